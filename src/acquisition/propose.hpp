/// The batch of points that together promise most: greedy qLogEI with a closed-form last integral.
///
/// For each pick, thousands of candidates are scored in one batch, the best of them climb at once, and the winner is added to
/// the model as a point whose value is sampled; the candidates' moments are extended by that point, not recomputed.
#pragma once

#include "acquisition/candidates.hpp"
#include "acquisition/climb.hpp"
#include "acquisition/fantasy_model.hpp"
#include "base/deadline.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace warpbo::acquisition {

struct ProposeOptions {
  int count = 1;  ///< q
  backend::AcquisitionKind kind = backend::AcquisitionKind::log_ei;
  double ucb_coefficient = 1.8;
  CandidateOptions candidates;
  int starts = 10;  ///< points that climb, per pick
  ClimbOptions climb;
  std::int64_t samples = 64;  ///< sampled data sets, once there is something to sample
  int climbed_picks = 64;     ///< further picks of a larger batch are taken from the candidates as they are
  int joint_picks = 512;  ///< beyond these, picks no longer know of each other: each candidate gets one draw from its posterior
                          ///< and the best draws are taken (Thompson sampling on the candidates)
  std::vector<double> pending;  ///< row-major points whose values are awaited
  std::vector<double>
      baseline;  ///< row-major observed points whose noise-free values are uncertain: incumbents to integrate over
  double incumbent = std::numeric_limits<double>::infinity();  ///< best value known for sure, in the model's units
  std::uint64_t seed = 0;
  Deadline deadline;  ///< asked between picks; the first pick is always made
};

struct Proposals {
  std::vector<double> rows;           ///< row-major; fewer than asked when the domain ran out of points
  std::vector<double> values;         ///< acquisition values when they were chosen
  std::vector<std::string> degraded;  ///< what had to be given up
  bool timed_out = false;             ///< fewer than asked because the deadline passed
};

/// Chooses up to `count` admissible, distinct points. `domain` gets every chosen point excluded.
[[nodiscard]] Proposals propose(const gp::Regression& regression, SearchDomain& domain, const ProposeOptions& options);

}  // namespace warpbo::acquisition
