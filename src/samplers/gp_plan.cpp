#include "samplers/gp_plan.hpp"

#include "math/philox.hpp"

#include <cmath>
#include <cstring>
#include <utility>

namespace warpbo::samplers {

namespace {

gp::Settings make_settings(const space::Encoder& encoder, Noise noise, const GpRecipe& recipe) {
  gp::Settings settings = gp::default_settings(static_cast<std::int64_t>(encoder.dimensions()));
  for (std::size_t c = 0; c < encoder.dimensions(); ++c)
    settings.categorical[c] = encoder.columns()[c].kind == space::ColumnKind::categorical ? 1 : 0;
  settings.prior.lengthscale_center += recipe.lengthscale_shift;
  settings.prior.lengthscale_sd = recipe.lengthscale_sd;
  settings.prior.noise_center = recipe.noise_center;
  settings.prior.noise_sd = recipe.noise_sd;
  settings.min_noise = recipe.min_noise;
  settings.prior.shape = recipe.outputscale_shape;
  settings.prior.rate = recipe.outputscale_shape + 1;
  if (noise == Noise::deterministic) settings.fixed_noise = recipe.min_noise;
  return settings;
}

std::vector<gp::Warp> make_warps(const GpRecipe& recipe) {
  std::vector<gp::Warp> warps{{recipe.warp ? gp::Warp::Kind::compressed : gp::Warp::Kind::none}};
  if (recipe.log_offset > 0) warps.push_back({gp::Warp::Kind::logarithm, recipe.log_offset});
  return warps;
}

std::uint64_t identify(const Observations& data) {
  std::uint64_t hash = 0;
  const auto mix = [&](const std::vector<double>& values) {
    for (const double value : values) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      hash = math::mix64(hash ^ bits);
    }
  };
  mix(data.rows);
  mix(data.values);
  return hash;
}

/// Sizes at which searches are due: every one up to `always`, then a geometric sequence that grows by `growth`, and by `late`
/// once it has reached `late_from`.
struct Schedule {
  std::int64_t always;
  double growth, late;
  std::int64_t late_from;

  /// The largest of them <= n.
  [[nodiscard]] std::int64_t last(std::int64_t n) const {
    if (n <= always) return n;
    std::int64_t size = always;
    for (std::int64_t next = size; next <= n;) {
      size = next;
      next = static_cast<std::int64_t>(std::ceil(static_cast<double>(size) * (size >= late_from ? late : growth)));
    }
    return size;
  }
};

}  // namespace

gp::FitTask GpPlan::Due::task(const gp::Settings& settings) const {
  const gp::WarpedTargets& first = targets.front();
  gp::FitTask task{settings, observations.rows, first.values, observations.noise_weights, options, first.log_slopes};
  for (std::size_t k = 1; k < targets.size(); ++k) task.alternatives.push_back({targets[k].values, targets[k].log_slopes});
  return task;
}

GpPlan::GpPlan(const space::Encoder& encoder, Noise noise, const GpRecipe& recipe, std::uint64_t seed)
    : settings_(make_settings(encoder, noise, recipe)),
      warps_(make_warps(recipe)),
      recipe_(recipe),
      seed_(seed),
      dimensions_(static_cast<std::int64_t>(encoder.dimensions())) {}

std::optional<GpPlan::Due> GpPlan::due(const Observations& used, const Searches& searches, Found* use) const {
  // Data that a search takes from the first `count` observations: the same as long as these are.
  const auto data_of = [&](std::int64_t count) {
    Observations first = first_points(used, count, dimensions_);
    return count > recipe_.fit_subset ? best_and_latest(first, recipe_.fit_subset, dimensions_) : first;
  };
  const Schedule cold{recipe_.always_cold, recipe_.anchor_growth, recipe_.late_growth, recipe_.fit_subset};
  const Schedule warm{recipe_.always_warm, recipe_.warm_growth, recipe_.late_growth, recipe_.fit_subset};
  const std::int64_t anchored = cold.last(used.size()), refined = warm.last(used.size());
  Due due;
  due.observations = data_of(anchored);
  due.data = identify(due.observations);
  const auto nothing_but = [&](const Found& found) -> std::optional<Due> {
    if (use != nullptr) *use = found;
    return std::nullopt;
  };
  if (searches.anchor && searches.anchor->data == due.data) {
    due.cold = false;
    if (refined <= anchored) return nothing_but(*searches.anchor);
    due.observations = data_of(refined);
    due.data = identify(due.observations);
    if (searches.refined && searches.refined->data == due.data) return nothing_but(*searches.refined);
    due.options.warm = {searches.anchor->theta};
    due.options.restarts = 0;
    due.options.max_rounds = recipe_.warm_rounds;
    due.warp = searches.anchor->warp;
    due.targets.push_back(gp::warp_targets(due.observations.values, warps_[due.warp]));
  } else {
    due.options.restarts = recipe_.cold_restarts;
    due.options.max_rounds = recipe_.cold_rounds;
    due.options.trial_rounds = recipe_.trial_rounds;
    due.options.finalists = recipe_.finalists;
    due.options.polish_rounds = recipe_.polish_rounds;
    due.options.alternative_rounds = recipe_.log_rounds;
    due.options.least_gain = recipe_.least_log_gain;
    due.options.seed = seed_;
    for (const gp::Warp& warp : warps_) due.targets.push_back(gp::warp_targets(due.observations.values, warp));
  }
  return due;
}

void GpPlan::accept(const Due& due, const gp::FitReport& report, Searches& searches) {
  if (due.cold)
    searches = {Found{due.data, report.theta, due.warp + report.choice}, std::nullopt};
  else
    searches.refined = Found{due.data, report.fitted ? report.theta : due.options.warm.front(), due.warp + report.choice};
}

}  // namespace warpbo::samplers
