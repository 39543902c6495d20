/// What Posterior and Acquisition share: covariances, whitened columns and gradients for a tile of queries.
#pragma once

#include "backend/backend.hpp"
#include "backend/cpu/blocked.hpp"
#include "backend/cpu/gram.hpp"

namespace warpbo::backend::cpu {

/// A model with its scaled points.
class PreparedModel {
 public:
  PreparedModel(const Model& model, std::int64_t columns, ScratchPool& pool);

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const ScaledPoints& points() const { return points_; }
  [[nodiscard]] const ColumnScales& scales() const { return scales_; }

 private:
  const Model& model_;
  Scratch scratch_;
  ColumnScales scales_;
  ScaledPoints points_;
};

/// Queries per tile for m queries in all: narrow for few, so that threads can share them.
std::int64_t tile_size(std::int64_t m);

/// Rough nanoseconds for m queries on one core.
double query_cost(const PreparedModel& prepared, std::int64_t m, bool variance, bool gradient);

/// Up to tile_size queries. Call the functions in the order in which they are declared; each uses what those before left.
class QueryTile {
 public:
  /// `slopes`: whether gradients will be asked for. `team` helps with the products: for a tile that is worked on alone.
  QueryTile(const PreparedModel& prepared, const ConstMatrix& queries, bool slopes, ScratchPool& pool,
            const Team& team = Team::alone());

  /// k(X, x) of one query, n values.
  [[nodiscard]] const double* covariance(std::int64_t query) const { return covariance_ + query * leading_; }
  /// k(x, X) coefficients for one query.
  [[nodiscard]] double product(std::int64_t query, const double* coefficients) const;
  /// mean (count x S, column s at mean + s * leading): mean + outputscale k'W_s.
  void means(std::int64_t samples, double* mean, std::int64_t leading) const;
  /// V = L^-1 k into the n x count matrix at `whitened`.
  void whiten(double* whitened, std::int64_t leading);
  /// The same into the tile's own memory.
  void whiten() { whiten(own_whitened_, leading_); }
  /// variance[q] = outputscale max(1 - V'V, 0).
  void variances(double* variance) const;
  /// U = L'^-1 V, for gradients of the variance.
  void unwhiten();
  /// Gradient at query q of the combination with d/dk = outputscale coefficients - 2 outputscale by_variance U, times dk/dx:
  /// out[k * stride] for every column, 0 for categorical ones. `coefficients` (n) may be null for none.
  void gradient(std::int64_t query, const double* coefficients, double by_variance, double* out, std::int64_t stride);

 private:
  void covariances(bool slopes);

  const PreparedModel& prepared_;
  Team team_;
  std::int64_t n_, count_, leading_;
  Scratch scratch_;
  ScaledPoints queries_;
  double* covariance_;  // n x count; U after unwhiten()
  double* slope_;       // n x count
  double* own_whitened_;
  double* block_;   // workspace of multiply_lower
  double* factor_;  // n
  double* point_;   // d
  double* sums_;    // kLanes x d
  const double* whitened_ = nullptr;
  std::int64_t whitened_leading_ = 0;
};

}  // namespace warpbo::backend::cpu
