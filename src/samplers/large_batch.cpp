#include "samplers/large_batch.hpp"

#include "acquisition/path_batch.hpp"
#include "acquisition/variance_fill.hpp"
#include "math/philox.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::samplers {

namespace {

acquisition::VarianceFillOptions fill_options(const acquisition::ProposeOptions& search, const GpRecipe& recipe,
                                              std::size_t d) {
  acquisition::VarianceFillOptions fill;
  fill.candidates = search.candidates;
  fill.candidates.seed = math::mix64(fill.candidates.seed);
  const std::size_t modelled = std::min(search.pending.size(), recipe.modelled_pending * d);
  fill.pending.assign(search.pending.end() - static_cast<std::ptrdiff_t>(modelled), search.pending.end());
  fill.seed = search.seed;
  return fill;
}

acquisition::PathBatchOptions path_options(const acquisition::ProposeOptions& search, const GpRecipe& recipe) {
  acquisition::PathBatchOptions paths;
  paths.candidates = search.candidates;
  paths.candidates.count = recipe.path_candidates;
  paths.features = recipe.path_features;
  paths.starts = recipe.path_starts;
  paths.climb.max_rounds = recipe.path_rounds;
  paths.climb.value_tolerance = 1e-6;
  paths.least_spread = recipe.least_spread;
  paths.deadline = search.deadline;
  paths.seed = math::mix64(search.seed + 1);
  return paths;
}

int joint_trials(const gp::Regression& regression, const GpRecipe& recipe) {
  const double share = static_cast<double>(recipe.large_joint_until) / static_cast<double>(regression.observations());
  return share >= 1 ? recipe.large_joint : static_cast<int>(std::ceil(recipe.large_joint * share * share));
}

}  // namespace

std::vector<BatchPart> propose_large(const gp::Regression& regression, acquisition::SearchDomain& domain,
                                     acquisition::ProposeOptions search, const GpRecipe& recipe, bool only_paths) {
  const int count = search.count;
  int left = count;
  std::vector<BatchPart> parts;
  const auto take = [&](acquisition::Proposals found, const char* origin) {
    search.pending.insert(search.pending.end(), found.rows.begin(), found.rows.end());
    left -= static_cast<int>(found.values.size());
    const bool on_time = !found.timed_out;
    parts.push_back({std::move(found), origin});
    return on_time;
  };
  const int joint = only_paths ? 0 : std::min(joint_trials(regression, recipe), count);
  const int filled = only_paths ? 0 : std::min(static_cast<int>(recipe.large_fill * count), recipe.most_filled);
  if (joint > 0) {
    acquisition::ProposeOptions first = search;
    first.count = joint;
    first.candidates.count = std::max<std::int64_t>(recipe.candidates, 2 * joint);
    if (!take(acquisition::propose(regression, domain, first), "qlogei")) return parts;
  }
  if (filled > 0 && !search.deadline.passed()) {
    acquisition::VarianceFillOptions fill = fill_options(search, recipe, domain.columns().size());
    fill.count = std::min(filled, left);
    take(acquisition::fill_by_variance(regression, domain, fill), "explore");
  }
  if (left > 0) {
    acquisition::PathBatchOptions paths = path_options(search, recipe);
    paths.count = left;
    if (only_paths) paths.least_spread = 1;
    take(acquisition::propose_paths(regression, domain, paths), "path");
  }
  return parts;
}

}  // namespace warpbo::samplers
