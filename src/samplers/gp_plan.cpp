#include "samplers/gp_plan.hpp"

#include "gp/warp.hpp"
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

GpPlan::GpPlan(const space::Encoder& encoder, Noise noise, const GpRecipe& recipe, std::uint64_t seed)
    : settings_(make_settings(encoder, noise, recipe)),
      recipe_(recipe),
      seed_(seed),
      dimensions_(static_cast<std::int64_t>(encoder.dimensions())) {}

std::optional<GpPlan::Due> GpPlan::due(const Observations& used, const Searches& searches, gp::Theta* theta) const {
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
  const auto use = [&](const gp::Theta& found) -> std::optional<Due> {
    if (theta != nullptr) *theta = found;
    return std::nullopt;
  };
  if (searches.anchor && searches.anchor->data == due.data) {
    due.cold = false;
    if (refined <= anchored) return use(searches.anchor->theta);
    due.observations = data_of(refined);
    due.data = identify(due.observations);
    if (searches.refined && searches.refined->data == due.data) return use(searches.refined->theta);
    due.options.warm = {searches.anchor->theta};
    due.options.restarts = 0;
    due.options.max_rounds = recipe_.warm_rounds;
  } else {
    due.options.restarts = recipe_.cold_restarts;
    due.options.max_rounds = recipe_.cold_rounds;
    due.options.trial_rounds = recipe_.trial_rounds;
    due.options.finalists = recipe_.finalists;
    due.options.polish_rounds = recipe_.polish_rounds;
    due.options.seed = seed_;
  }
  due.targets = gp::warped_targets(due.observations.values, recipe_.warp);
  return due;
}

void GpPlan::accept(const Due& due, const gp::FitReport& report, Searches& searches) {
  if (due.cold)
    searches = {Found{due.data, report.theta}, std::nullopt};
  else
    searches.refined = Found{due.data, report.fitted ? report.theta : due.options.warm.front()};
}

}  // namespace warpbo::samplers
