#include "samplers/batch_parts.hpp"

#include "acquisition/path_batch.hpp"
#include "acquisition/variance_fill.hpp"
#include "math/philox.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::samplers {

namespace {

acquisition::VarianceFillOptions fill_options(const acquisition::ProposeOptions& search, const GpRecipe& recipe, int count,
                                              std::size_t d) {
  acquisition::VarianceFillOptions fill;
  fill.count = count;
  fill.candidates = search.candidates;
  fill.candidates.count = std::max<std::int64_t>(recipe.candidates, 4 * count);
  fill.candidates.seed = math::mix64(fill.candidates.seed);
  const std::size_t modelled = std::min(search.pending.size(), recipe.modelled_pending * d);
  fill.pending.assign(search.pending.end() - static_cast<std::ptrdiff_t>(modelled), search.pending.end());
  fill.deadline = search.deadline;
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
  paths.deadline = search.deadline;
  paths.seed = math::mix64(search.seed + 1);
  return paths;
}

int joint_trials(const gp::Regression& regression, const GpRecipe& recipe) {
  const double share = static_cast<double>(recipe.large_joint_until) / static_cast<double>(regression.observations());
  return share >= 1 ? recipe.large_joint : static_cast<int>(std::ceil(recipe.large_joint * share * share));
}

}  // namespace

std::optional<BatchShares> batch_shares(AcquisitionFunction acquisition, const gp::Regression& regression, int count,
                                        bool bound_pending, const GpRecipe& recipe) {
  if (acquisition == AcquisitionFunction::thompson) return BatchShares{};
  if (acquisition == AcquisitionFunction::pure_exploration) {
    const int bound = bound_pending ? 0 : 1;
    return BatchShares{bound, std::min(count - bound, recipe.most_exploring)};
  }
  if (count < recipe.large_batch) return std::nullopt;
  const int joint = std::min(joint_trials(regression, recipe), count);
  return BatchShares{joint, std::min(static_cast<int>(recipe.large_exploring * count), recipe.most_exploring),
                     recipe.least_spread};
}

const char* joint_origin(const acquisition::ProposeOptions& search) {
  if (search.kind == backend::AcquisitionKind::ucb) return "ucb";
  return search.count > 1 || !search.pending.empty() ? "qlogei" : "logei";
}

std::vector<BatchPart> propose_in_parts(const gp::Regression& regression, acquisition::SearchDomain& domain,
                                        acquisition::ProposeOptions search, const GpRecipe& recipe, const BatchShares& shares) {
  int left = search.count;
  std::vector<BatchPart> parts;
  const auto take = [&](acquisition::Proposals found, const char* origin) {
    search.pending.insert(search.pending.end(), found.rows.begin(), found.rows.end());
    left -= static_cast<int>(found.values.size());
    parts.push_back({std::move(found), origin});
    return !parts.back().found.timed_out;
  };
  if (shares.joint > 0) {
    acquisition::ProposeOptions first = search;
    first.count = shares.joint;
    first.candidates.count = std::max<std::int64_t>(recipe.candidates, 2 * shares.joint);
    if (!take(acquisition::propose(regression, domain, first), joint_origin(search))) return parts;
  }
  if (const int exploring = std::min(shares.exploring, left); exploring > 0 && (parts.empty() || !search.deadline.passed())) {
    const auto fill = fill_options(search, recipe, exploring, domain.columns().size());
    if (!take(acquisition::fill_by_variance(regression, domain, fill), "explore")) return parts;
  }
  if (left > 0) {
    acquisition::PathBatchOptions paths = path_options(search, recipe);
    paths.count = left;
    paths.least_spread = shares.least_spread;
    take(acquisition::propose_paths(regression, domain, paths), "path");
  }
  return parts;
}

}  // namespace warpbo::samplers
