/// A batch in parts, each chosen in its own way.
#pragma once

#include "acquisition/propose.hpp"
#include "samplers/gp_recipe.hpp"

#include <string>
#include <vector>

namespace warpbo::samplers {

struct BatchPart {
  acquisition::Proposals found;
  std::string origin;  ///< "qlogei", "explore", "path"
};

/// Some trials jointly, some that explore, and the rest each after a function of its own. `only_paths`: all of them after
/// functions drawn from the posterior as it is (Thompson sampling). `search` says how the joint ones are chosen, how many
/// trials are wanted, what is pending and when time is up. The first part is chosen whatever the time.
[[nodiscard]] std::vector<BatchPart> propose_large(const gp::Regression& regression, acquisition::SearchDomain& domain,
                                                   acquisition::ProposeOptions search, const GpRecipe& recipe, bool only_paths);

}  // namespace warpbo::samplers
