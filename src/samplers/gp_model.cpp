#include "samplers/gp_model.hpp"

#include "gp/warp.hpp"
#include "math/philox.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

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

}  // namespace

GpModel::GpModel(std::shared_ptr<backend::Backend> backend, const space::Encoder& encoder, Noise noise, const GpRecipe& recipe,
                 std::uint64_t seed)
    : backend_(std::move(backend)),
      recipe_(recipe),
      settings_(make_settings(encoder, noise, recipe)),
      seed_(seed),
      dimensions_(static_cast<std::int64_t>(encoder.dimensions())),
      regression_(backend_, settings_) {}

std::int64_t GpModel::anchor_size(std::int64_t n) const {
  if (n <= recipe_.always_cold) return n;
  std::int64_t anchor = recipe_.always_cold;
  for (;;) {
    const auto next = static_cast<std::int64_t>(std::ceil(static_cast<double>(anchor) * recipe_.anchor_growth));
    if (next > n) return anchor;
    anchor = next;
  }
}

gp::FitReport GpModel::search(const Observations& data, const std::vector<double>& targets, const gp::FitOptions& options) {
  regression_.set_data(data.rows, targets, data.noise_weights);
  return gp::fit(regression_, options);
}

gp::Theta GpModel::cold_fit(const Observations& data) {
  gp::FitOptions options;
  options.restarts = recipe_.cold_restarts;
  options.max_rounds = recipe_.cold_rounds;
  options.seed = seed_;
  return search(data, gp::warped_targets(data.values, recipe_.warp), options).theta;
}

gp::Theta GpModel::hyperparameters() {
  const Observations data = used_.size() > recipe_.fit_subset ? best_and_latest(used_, recipe_.fit_subset, dimensions_) : used_;
  const std::int64_t size = anchor_size(data.size());
  const Observations anchored = size == data.size() ? data : first_points(data, size, dimensions_);
  const std::uint64_t id = identify(anchored);
  if (!anchor_ || anchor_->data != id) anchor_ = Anchor{id, cold_fit(anchored)};
  if (size == data.size()) return anchor_->theta;
  gp::FitOptions options;
  options.warm = {anchor_->theta};
  options.restarts = 0;
  options.max_rounds = recipe_.warm_rounds;
  const gp::FitReport report = search(data, gp::warped_targets(data.values, recipe_.warp), options);
  return report.fitted ? report.theta : anchor_->theta;
}

const gp::Regression* GpModel::update(const Observations& observations, std::vector<std::string>& degraded) {
  used_ = observations;
  if (observations.size() > recipe_.max_observations) {
    used_ = best_and_latest(observations, recipe_.max_observations, dimensions_);
    degraded.push_back("the model uses " + std::to_string(recipe_.max_observations) + " of " + std::to_string(observations.size()) +
                       " observations: the best and the latest");
  }
  targets_ = gp::warped_targets(used_.values, recipe_.warp);
  const gp::Theta theta = hyperparameters();
  regression_.set_data(used_.rows, targets_, used_.noise_weights);
  if (regression_.factorize(theta)) return &regression_;
  degraded.emplace_back("the fitted covariance matrix could not be factored; default hyperparameters were used");
  gp::Theta safe = gp::prior_mode(settings_);
  safe.back() = std::max(safe.back(), std::log(1e-4));
  return regression_.factorize(safe) ? &regression_ : nullptr;
}

std::optional<double> GpModel::leave_one_out_r2() const {
  if (regression_.observations() < 3) return std::nullopt;
  const gp::Regression::LeaveOneOut out = regression_.leave_one_out();
  double residual = 0, total = 0;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    residual += (targets_[i] - out.mean[i]) * (targets_[i] - out.mean[i]);
    total += targets_[i] * targets_[i];
  }
  return total > 0 ? std::optional<double>(1 - residual / total) : std::nullopt;
}

}  // namespace warpbo::samplers
