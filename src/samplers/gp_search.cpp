#include "samplers/gp_search.hpp"

#include "math/philox.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::samplers {

namespace {

std::vector<double> latest(std::span<const double> values, std::size_t count) {
  const std::span<const double> last = values.last(std::min(count, values.size()));
  return {last.begin(), last.end()};
}

/// Smallest observed target; imputed ones do not count.
double best_target(const GpModel& model) {
  const Observations& data = model.observations();
  double best = INFINITY;
  for (std::size_t i = 0; i < data.values.size(); ++i)
    if (data.imputed[i] == 0) best = std::min(best, model.targets()[i]);
  return best;
}

void exclude_rows(std::span<const double> rows, GpDomain& domain) {
  const std::size_t d = domain.columns().size();
  for (std::size_t at = 0; at < rows.size(); at += d) domain.exclude(rows.subspan(at, d));
}

}  // namespace

std::int64_t design_size(const SamplerOptions& options, std::int64_t dimensions) {
  if (options.initial_trials > 0) return options.initial_trials;
  return std::clamp<std::int64_t>((dimensions + 1) / 2 + 2, 4, 24);
}

bool is_noisy(const SamplerOptions& options, const GpRecipe& recipe, const gp::Regression& regression) {
  return options.noise == Noise::noisy || (options.noise == Noise::infer && regression.noise() > recipe.noisy_above);
}

void exclude_known(const SamplerOptions& options, const Observations& data, std::span<const double> pending, GpDomain& domain) {
  const bool repeats = options.noise == Noise::noisy && domain.finite();
  exclude_rows(repeats ? data.failed_rows : data.rows, domain);
  exclude_rows(pending, domain);
}

acquisition::ProposeOptions search_options(const SamplerOptions& options, const GpRecipe& recipe, const GpModel& model,
                                           const gp::Regression& regression, std::uint64_t draw, int count,
                                           std::span<const double> pending) {
  acquisition::ProposeOptions search;
  search.count = count;
  search.seed = math::mix64(options.seed ^ math::mix64(draw));
  search.candidates.seed = math::mix64(search.seed);
  search.candidates.count = std::max<std::int64_t>(recipe.candidates, 2 * count);
  search.starts = count > 1 ? recipe.batch_starts : recipe.starts;
  search.climb.max_rounds = count > 1 ? recipe.batch_rounds : recipe.climb_rounds;
  if (count > 1) search.climb.value_tolerance = recipe.batch_tolerance;
  search.samples = recipe.samples;
  search.pending = latest(pending, recipe.modelled_pending * static_cast<std::size_t>(regression.dimensions()));
  if (!is_noisy(options, recipe, regression)) search.incumbent = best_target(model);
  return search;
}

ModelSummary summarize(const space::Encoder& encoder, const GpModel& model, const gp::Regression& regression) {
  ModelSummary summary;
  summary.kind = "gp";
  summary.observations = regression.observations();
  summary.noise_variance = regression.noise() * regression.outputscale();
  summary.device = regression.backend()->name();
  const std::vector<ParameterSpec>& specs = encoder.space().parameters();
  for (std::size_t c = 0; c < encoder.dimensions(); ++c)
    summary.lengthscales.emplace_back(specs[encoder.columns()[c].parameter].name, std::exp(regression.theta()[c]));
  summary.leave_one_out_r2 = model.leave_one_out_r2().value_or(0);
  return summary;
}

std::vector<Trial> with_proposals(const SuggestRequest& request, std::span<const Suggestion> proposals) {
  std::vector<Trial> pending(request.pending.begin(), request.pending.end());
  for (const Suggestion& proposal : proposals) {
    Trial& trial = pending.emplace_back();
    trial.number = static_cast<std::int64_t>(request.draw) + std::ssize(pending);
    trial.state = TrialState::running;
    trial.parameters = proposal.parameters;
  }
  return pending;
}

std::string time_is_up(std::size_t chosen, int wanted) {
  return "max_seconds_per_ask ended the search after " + std::to_string(chosen) + " of " + std::to_string(wanted) +
         " proposals; the rest are quasi-random";
}

}  // namespace warpbo::samplers
