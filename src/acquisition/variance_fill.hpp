/// Exploration inside the promising region, for a part of a large batch: GP-UCB-PE (Contal, Buffoni, Robicquet & Vayatis 2013,
/// arXiv 1304.5350).
///
/// A point is promising if its lower confidence bound is below the least upper one. Among the promising candidates the one with
/// the largest variance is taken, and the variance of the others is updated: that needs no values, so pending trials and every
/// earlier pick count exactly.
#pragma once

#include "acquisition/propose.hpp"

namespace warpbo::acquisition {

struct VarianceFillOptions {
  int count = 1;
  CandidateOptions candidates;
  double region_coefficient = 0.5;  ///< standard deviations of the confidence bounds
  std::vector<double> pending;      ///< row-major points whose values are awaited
  Deadline deadline;                ///< the first pick is made whatever the time
  std::uint64_t seed = 0;
};

/// Chooses up to `count` admissible, distinct candidates; fewer where the promising region has no more. `domain` gets every
/// chosen point excluded.
[[nodiscard]] Proposals fill_by_variance(const gp::Regression& regression, SearchDomain& domain,
                                         const VarianceFillOptions& options);

}  // namespace warpbo::acquisition
