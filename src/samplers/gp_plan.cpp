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

/// The largest size <= n at which a search is due: every size up to `always`, then a geometric sequence.
std::int64_t scheduled_size(std::int64_t n, std::int64_t always, double growth) {
  if (n <= always) return n;
  std::int64_t size = always;
  for (std::int64_t next = size; next <= n; next = static_cast<std::int64_t>(std::ceil(static_cast<double>(size) * growth)))
    size = next;
  return size;
}

}  // namespace

GpPlan::GpPlan(const space::Encoder& encoder, Noise noise, const GpRecipe& recipe, std::uint64_t seed)
    : settings_(make_settings(encoder, noise, recipe)),
      recipe_(recipe),
      seed_(seed),
      dimensions_(static_cast<std::int64_t>(encoder.dimensions())) {}

std::optional<GpPlan::Due> GpPlan::due(const Observations& used, const Searches& searches, gp::Theta* theta) const {
  const Observations all = used.size() > recipe_.fit_subset ? best_and_latest(used, recipe_.fit_subset, dimensions_) : used;
  Due due;
  due.observations = first_points(all, scheduled_size(all.size(), recipe_.always_cold, recipe_.anchor_growth), dimensions_);
  const std::int64_t anchored = due.observations.size();
  due.data = identify(due.observations);
  const auto use = [&](const gp::Theta& found) -> std::optional<Due> {
    if (theta != nullptr) *theta = found;
    return std::nullopt;
  };
  if (searches.anchor && searches.anchor->data == due.data) {
    due.cold = false;
    due.observations = first_points(all, scheduled_size(all.size(), recipe_.always_warm, recipe_.warm_growth), dimensions_);
    if (due.observations.size() <= anchored) return use(searches.anchor->theta);
    due.data = identify(due.observations);
    if (searches.refined && searches.refined->data == due.data) return use(searches.refined->theta);
    due.options.warm = {searches.anchor->theta};
    due.options.restarts = 0;
    due.options.max_rounds = recipe_.warm_rounds;
  } else {
    due.options.restarts = recipe_.cold_restarts;
    due.options.max_rounds = recipe_.cold_rounds;
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
