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

/// The largest size <= n at which a search is due: every size up to `always`, then a geometric sequence.
std::int64_t scheduled_size(std::int64_t n, std::int64_t always, double growth) {
  if (n <= always) return n;
  std::int64_t size = always;
  for (std::int64_t next = size; next <= n; next = static_cast<std::int64_t>(std::ceil(static_cast<double>(size) * growth)))
    size = next;
  return size;
}

}  // namespace

GpModel::GpModel(std::shared_ptr<backend::Backend> backend, const space::Encoder& encoder, Noise noise, const GpRecipe& recipe,
                 std::uint64_t seed, Searches searches)
    : backend_(std::move(backend)),
      recipe_(recipe),
      settings_(make_settings(encoder, noise, recipe)),
      seed_(seed),
      dimensions_(static_cast<std::int64_t>(encoder.dimensions())),
      regression_(backend_, settings_),
      searches_(std::move(searches)) {}

gp::FitReport GpModel::search(const Observations& data, const std::vector<double>& targets, const gp::FitOptions& options) {
  factored_ = {};
  regression_.set_data(data.rows, targets, data.noise_weights);
  return gp::fit(regression_, options);
}

gp::FitReport GpModel::cold_fit(const Observations& data) {
  gp::FitOptions options;
  options.restarts = recipe_.cold_restarts;
  options.max_rounds = recipe_.cold_rounds;
  options.seed = seed_;
  return search(data, gp::warped_targets(data.values, recipe_.warp), options);
}

gp::Theta GpModel::hyperparameters() {
  const Observations all = used_.size() > recipe_.fit_subset ? best_and_latest(used_, recipe_.fit_subset, dimensions_) : used_;
  const Observations anchored =
      first_points(all, scheduled_size(all.size(), recipe_.always_cold, recipe_.anchor_growth), dimensions_);
  const std::uint64_t anchored_id = identify(anchored);
  if (!searches_.anchor || searches_.anchor->data != anchored_id) {
    gp::FitReport report = cold_fit(anchored);
    if (!report.fitted && !last_resort_) return {};
    searches_ = {Anchor{anchored_id, std::move(report.theta)}, std::nullopt};
  }
  const gp::Theta& start = searches_.anchor->theta;
  const Observations data =
      first_points(all, scheduled_size(all.size(), recipe_.always_warm, recipe_.warm_growth), dimensions_);
  if (data.size() <= anchored.size()) return start;
  const std::uint64_t id = identify(data);
  if (!searches_.refined || searches_.refined->data != id) {
    gp::FitOptions options;
    options.warm = {start};
    options.restarts = 0;
    options.max_rounds = recipe_.warm_rounds;
    gp::FitReport report = search(data, gp::warped_targets(data.values, recipe_.warp), options);
    if (!report.fitted && !last_resort_) return {};
    searches_.refined = Anchor{id, report.fitted ? std::move(report.theta) : start};
  }
  return searches_.refined->theta;
}

bool GpModel::extends_factored(const gp::Theta& theta) const {
  const std::size_t old = factored_.values.size();
  return old > static_cast<std::size_t>(recipe_.always_warm) && old <= used_.values.size() && theta == regression_.theta() &&
         factored_.noise_weights.empty() && used_.noise_weights.empty() &&
         std::equal(factored_.rows.begin(), factored_.rows.end(), used_.rows.begin());
}

/// Extends the factor where it can: the targets may all have changed (they are standardized anew), the points must not.
bool GpModel::factorize(const gp::Theta& theta) {
  bool done = false;
  if (extends_factored(theta)) {
    done = regression_.extend(std::span(used_.rows).subspan(factored_.rows.size()), targets_);
  }
  if (!done) {
    regression_.set_data(used_.rows, targets_, used_.noise_weights);
    done = regression_.factorize(theta);
  }
  factored_ = done ? used_ : Observations{};
  return done;
}

const gp::Regression* GpModel::update(const Observations& observations, std::vector<std::string>& degraded) {
  used_ = observations;
  if (observations.size() > recipe_.max_observations) {
    used_ = best_and_latest(observations, recipe_.max_observations, dimensions_);
    degraded.push_back("the model uses " + std::to_string(recipe_.max_observations) + " of " +
                       std::to_string(observations.size()) + " observations: the best and the latest");
  }
  targets_ = gp::warped_targets(used_.values, recipe_.warp);
  const gp::Theta theta = hyperparameters();
  if (!theta.empty() && factorize(theta)) return &regression_;
  if (!last_resort_) return nullptr;
  degraded.emplace_back("the fitted covariance matrix could not be factored; default hyperparameters were used");
  gp::Theta safe = gp::prior_mode(settings_);
  safe.back() = std::max(safe.back(), std::log(1e-4));
  return factorize(safe) ? &regression_ : nullptr;
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
