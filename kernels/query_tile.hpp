/// A tile of queries against a fitted model: what Posterior and Acquisition share.
///
/// For c queries at n points, everything is column-major n x c, one column per query:
///   covariances   K = k(X, x) and, for gradients, the slopes dk/d(r^2)   (query_covariances.cu, 1 launch)
///   whiten        V = L^-1 K                                             (triangles.hpp: multiply_lower)
///   unwhiten      U = L'^-1 V                                            (triangles.hpp: multiply_lower)
///   means         K' weights for many samples                            (query_moments.cu, 1 launch)
///   moments       variance 1 - V'V, and the mean of a single sample      (query_moments.cu, 1 launch)
///   gradients     acquisition value, and all derivatives in one pass     (query_gradients.cu, 1 or 2 launches)
/// A round of a climb (up to Tuning::few_queries queries, gradients) with one sample is covariances, whiten, unwhiten,
/// gradients: 4 launches; with S samples means in addition, and beyond 256 points a sum over strips of them: 6.
#pragma once

#include "backend/backend.hpp"
#include "backend/cuda/cuda_backend.hpp"
#include "kernels/improvement.cuh"
#include "kernels/query_rows.hpp"

#include <cstdint>
#include <functional>

namespace warpbo::backend::cuda {

/// What the gradients of a tile's queries are wanted for. Any of the views may be empty.
struct GradientOutputs {
  const AcquisitionView* acquisition = nullptr;
  double* value = nullptr;   ///< of the acquisition, one per query
  Matrix gradient;           ///< of the acquisition, c x d
  Matrix mean_gradient;      ///< c x d, for a single sample
  Matrix variance_gradient;  ///< c x d; 0 where the variance is cut off at 0
};

/// One tile; its memory belongs to the scope of the workspace in which it was made. Call the functions in the order of the list
/// above, each at most once.
class QueryTile {
 public:
  /// `queries` are the tile's.
  QueryTile(CudaBackend& backend, const Model& model, const ConstMatrix& queries, const QueryRows& rows);

  void covariances(bool slopes);
  /// What covariances() left, n x c.
  [[nodiscard]] const Matrix& covariance() const noexcept { return covariance_; }
  void whiten();
  /// The same into the n x c matrix `out`, which must outlive the tile.
  void whiten(const Matrix& out);
  void unwhiten();
  /// out (c x S) = mean + outputscale K' weights, for the first out.columns samples. `only_used`: rows that are not in use must
  /// be left alone.
  void means(const Matrix& out, bool only_used);
  /// Either may be null.
  void moments(double* mean, double* variance);
  /// Needs slopes, and U if a variance matters; for more than one sample also `sample_means` (c x S, from means()).
  void gradients(const GradientOutputs& wanted, const ConstMatrix& sample_means);
  /// Rows in use of V into `out`.
  void copy_whitened(const Matrix& out);

 private:
  [[nodiscard]] Matrix take();

  CudaBackend& backend_;
  const Model& model_;
  ConstMatrix queries_;
  QueryRows rows_;
  Matrix covariance_, slope_, whitened_, unwhitened_;
};

/// Whether a tile is so small that latency counts, not throughput.
[[nodiscard]] bool few_queries(const CudaBackend& backend, std::int64_t count);

/// Splits m queries into tiles that hold up to `matrices` n x c matrices each and calls body(first, count) for each, within a
/// scope of the workspace. Where memory runs out the rest goes on with tiles of half the width, down to 64 queries.
void each_tile(CudaBackend& backend, std::int64_t n, std::int64_t m, int matrices,
               const std::function<void(std::int64_t first, std::int64_t count)>& body);

}  // namespace warpbo::backend::cuda
