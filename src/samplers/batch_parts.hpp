/// A batch in parts, each chosen in its own way.
#pragma once

#include "acquisition/propose.hpp"
#include "samplers/gp_recipe.hpp"

#include <warpbo/sampler.hpp>

#include <optional>
#include <string>
#include <vector>

namespace warpbo::samplers {

struct BatchPart {
  acquisition::Proposals found;
  std::string origin;  ///< "logei", "qlogei", "ucb", "explore", "path"
};

/// How many trials are chosen jointly and how many explore the promising region; the rest follow functions of their own.
struct BatchShares {
  int joint = 0;
  int exploring = 0;
  double least_spread = 1;  ///< of those functions (acquisition::PathBatchOptions); 1: draws from the posterior as it is
};

/// Of a batch of `count`; nothing where all its trials are chosen jointly. Improvement and bound are, in small batches.
/// `bound_pending`: whether a trial that follows the confidence bound is awaited.
[[nodiscard]] std::optional<BatchShares> batch_shares(AcquisitionFunction acquisition, const gp::Regression& regression,
                                                      int count, bool bound_pending, const GpRecipe& recipe);

/// `search` says how the joint ones are chosen, how many trials are wanted, what is pending and when time is up. The first part
/// is chosen whatever the time.
[[nodiscard]] std::vector<BatchPart> propose_in_parts(const gp::Regression& regression, acquisition::SearchDomain& domain,
                                                      acquisition::ProposeOptions search, const GpRecipe& recipe,
                                                      const BatchShares& shares);

/// What trials that are chosen jointly maximize, as their origin says it.
[[nodiscard]] const char* joint_origin(const acquisition::ProposeOptions& search);

}  // namespace warpbo::samplers
