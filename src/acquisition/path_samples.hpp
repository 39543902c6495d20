/// Functions drawn from the posterior of a fitted process, ready to be evaluated anywhere.
///
/// Pathwise conditioning (Wilson, Borovitskiy, Terenin, Mostowsky & Deisenroth 2020, arXiv 2002.09309, 2011.04026): a draw from
/// the prior in random Fourier features, plus the update k(x, X) C^-1 (y - prior draw at X - noise draw), exact for the draw at
/// hand. One triangular solve each way serves all draws.
#pragma once

#include "acquisition/search_domain.hpp"
#include "gp/regression.hpp"

#include <cstdint>
#include <vector>

namespace warpbo::acquisition {

struct PathSampleOptions {
  std::int64_t count = 1;        ///< q
  std::int64_t features = 1024;  ///< J frequencies, each a cosine and a sine; the error of a prior covariance is about J^-1/2
  /// q factors of the distance from the posterior mean: 1 is a draw from the posterior, 0 its mean. Empty: ones.
  std::vector<double> spread;
  std::uint64_t seed = 0;
};

class PathSamples {
 public:
  /// `columns` says how many levels a categorical column has: 0, 1, ..., and -1 for an absent conditional. `regression` must
  /// outlive this object and not change. Throws resource_exhausted, with the size, before anything is allocated if the memory
  /// that the backend grants is not enough.
  PathSamples(const gp::Regression& regression, const std::vector<DomainColumn>& columns, const PathSampleOptions& options);

  /// To be minimized, in the units of the regression's targets.
  [[nodiscard]] backend::PathModel model() const;
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }

  /// Bytes of the backend's memory that drawing `count` paths takes at most, n observations.
  [[nodiscard]] static double bytes(std::int64_t n, std::int64_t count, std::int64_t features);

 private:
  void draw_features(const std::vector<DomainColumn>& columns, std::uint64_t seed);
  void draw_amplitudes(std::uint64_t seed);
  void solve_updates(std::uint64_t seed);

  const gp::Regression& regression_;
  backend::Backend& backend_;
  std::int64_t count_, features_, frequency_columns_ = 0;
  backend::Buffer<double> frequencies_, amplitudes_, updates_, spread_;
  backend::Buffer<std::int32_t> first_;
};

}  // namespace warpbo::acquisition
