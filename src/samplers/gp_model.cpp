#include "samplers/gp_model.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace warpbo::samplers {

namespace {

constexpr const char* kSearchCut = "max_seconds_per_ask ended the search for hyperparameters early; the best so far are used";
/// Smaller factors take no time worth speaking of.
constexpr std::int64_t kTimedFrom = 500;

}  // namespace

GpModel::GpModel(std::shared_ptr<backend::Backend> backend, const space::Encoder& encoder, Noise noise, const GpRecipe& recipe,
                 std::uint64_t seed, Searches searches)
    : backend_(std::move(backend)),
      recipe_(recipe),
      plan_(encoder, noise, recipe, seed),
      dimensions_(static_cast<std::int64_t>(encoder.dimensions())),
      regression_(backend_, plan_.settings()),
      searches_(std::move(searches)) {}

GpPlan::Found GpModel::hyperparameters(const Deadline& deadline, std::vector<std::string>& degraded) {
  GpPlan::Found found;
  // Half of the time is for the factor and the search for proposals.
  const Deadline half(deadline.limited() ? std::max(deadline.left() / 2, 1e-6) : 0);
  while (auto due = plan_.due(used_, searches_, &found)) {
    if (half.limited()) due->options.stop = [&half] { return half.passed(); };
    const gp::FitTask task = due->task(plan_.settings());
    const gp::FitReport report = gp::fit(regression_.arena(), {&task, 1}).front();
    if (report.stopped && (degraded.empty() || degraded.back() != kSearchCut)) degraded.emplace_back(kSearchCut);
    if (!report.fitted && !last_resort_) return {};
    GpPlan::accept(*due, report, searches_);
  }
  return found;
}

bool GpModel::extends_factored(const gp::Theta& theta) const {
  const std::size_t old = factored_.values.size();
  return old > static_cast<std::size_t>(recipe_.always_warm) && old <= used_.values.size() && theta == regression_.theta() &&
         factored_.noise_weights.empty() && used_.noise_weights.empty() &&
         std::equal(factored_.rows.begin(), factored_.rows.end(), used_.rows.begin());
}

bool GpModel::factorize_anew(const gp::Theta& theta) {
  const auto start = std::chrono::steady_clock::now();
  factored_ = {};
  regression_.set_data(used_.rows, targets_, used_.noise_weights);
  const bool done = regression_.factorize(theta);
  const double n = static_cast<double>(used_.size());
  if (done && n >= kTimedFrom)
    seconds_per_cube_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / (n * n * n);
  return done;
}

/// Extends the factor where it can: the targets may all have changed (they are standardized anew), the points must not.
bool GpModel::factorize(const gp::Theta& theta) {
  bool done = false;
  if (extends_factored(theta)) {
    done = regression_.extend(std::span(used_.rows).subspan(factored_.rows.size()), targets_);
  }
  if (!done) done = factorize_anew(theta);
  factored_ = done ? used_ : Observations{};
  return done;
}

/// Before anything is allocated: as many observations as the recipe, the memory and the time allow.
void GpModel::choose_observations(const Observations& all, const Deadline& deadline, std::vector<std::string>& degraded) {
  const bool cpu = backend_->name() == "cpu";
  std::int64_t most = cpu ? recipe_.max_observations : recipe_.max_observations_device;
  std::string reason = cpu ? "an exact model of more takes long on a CPU" : "an exact model of more takes long";
  // The factor and its inverse, n x n each; half of what a call may take is left to searches and tiles.
  const auto limit = static_cast<double>(backend_->traits().memory_limit) / 2;
  if (const auto fitting = static_cast<std::int64_t>(std::sqrt(limit / (2 * sizeof(double)))); limit > 0 && fitting < most) {
    most = fitting;
    reason = "the factor of more would need over " + std::to_string(static_cast<std::int64_t>(limit / 1e6)) + " MB";
  }
  if (deadline.limited()) {
    const double share = std::max(deadline.left() / 4, 0.0);
    // In steps of a quarter, so that measurements of time do not change the choice at every ask.
    double timely = kTimedFrom;
    while (1.25 * timely <= std::cbrt(share / seconds_per_cube_)) timely *= 1.25;
    if (timely < static_cast<double>(most)) {
      most = static_cast<std::int64_t>(timely);
      reason = "the factor of more would not fit into max_seconds_per_ask";
    }
  }
  if (all.size() <= most) {
    used_ = all;
    return;
  }
  used_ = latest_with_best(all, most, most / recipe_.replaced_share, dimensions_);
  degraded.push_back("the model uses " + std::to_string(used_.size()) + " of " + std::to_string(all.size()) +
                     " observations, the best and the latest: " + reason);
}

const gp::Regression* GpModel::update(const Observations& observations, std::vector<std::string>& degraded,
                                      const Deadline& deadline) {
  choose_observations(observations, deadline, degraded);
  const GpPlan::Found found = hyperparameters(deadline, degraded);
  targets_ = gp::warp_targets(used_.values, plan_.warps()[found.warp]).values;
  if (!found.theta.empty() && factorize(found.theta)) return &regression_;
  if (!last_resort_) return nullptr;
  degraded.emplace_back("the fitted covariance matrix could not be factored; default hyperparameters were used");
  gp::Theta safe = gp::prior_mode(plan_.settings());
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
