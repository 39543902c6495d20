/// Large batches: every trial minimizes a function of its own, drawn from the posterior (Thompson sampling).
///
/// All functions are screened at one shared set of candidates; each is then climbed from its best ones, all at once. The cost
/// grows linearly with the batch, and memory does not: functions come in groups.
///
/// Pending trials need no conditioning: whatever a function takes at a pending point is a draw from the posterior already, and
/// functions are drawn independently of those that led there (Kandasamy et al. 2018, arXiv 1705.09236). They are only not
/// repeated.
#pragma once

#include "acquisition/propose.hpp"

#include <cstdint>
#include <vector>

namespace warpbo::acquisition {

struct PathBatchOptions {
  int count = 1;  ///< q
  CandidateOptions candidates;
  std::int64_t features = 1024;
  int starts = 2;  ///< candidates that each function is climbed from
  ClimbOptions climb;
  /// The spreads of the functions go from 1 down to this, equally spaced in the logarithm (see PathSampleOptions).
  double least_spread = 1;
  double group_bytes = 256e6;      ///< memory of the functions that are worked on at the same time
  std::int64_t group_size = 2048;  ///< and their number at most
  /// Asked during climbs, which then end where they are, and between groups: the first group is always proposed.
  Deadline deadline;
  std::uint64_t seed = 0;
};

/// Chooses up to `count` admissible, distinct points; fewer only when the domain runs out of points. `domain` gets every chosen
/// point excluded. `values` are those of each point's own function, negated. Throws resource_exhausted before it allocates when
/// not even one function fits.
[[nodiscard]] Proposals propose_paths(const gp::Regression& regression, SearchDomain& domain, const PathBatchOptions& options);

}  // namespace warpbo::acquisition
