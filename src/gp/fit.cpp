#include "gp/fit.hpp"

#include "math/philox.hpp"
#include "optimize/multi_start.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace warpbo::gp {

namespace {

double log_noise_start(const Settings& settings) {
  const double noise = settings.fixed_noise.value_or(std::exp(settings.prior.noise_center));
  return std::log(std::clamp(noise, settings.min_noise, settings.max_noise));
}

/// Starts differ in what usually decides between local optima: the overall lengthscale, the noise, and which dimensions matter.
std::vector<Theta> starting_points(const Settings& settings, const FitOptions& options) {
  std::vector<Theta> starts = options.warm;
  const Theta mode = prior_mode(settings);
  const std::size_t d = mode.size() - 1;
  for (int r = 0; r < options.restarts; ++r) {
    Theta theta = mode;
    if (r > 0) {
      const auto row = static_cast<std::uint64_t>(r);
      const double shared = 1.2 * math::philox_normal(options.seed, 0, row, 0);
      for (std::size_t k = 0; k < d; ++k) theta[k] += shared + 0.8 * math::philox_normal(options.seed, 0, row, k + 1);
      theta[d] += 2.0 * math::philox_normal(options.seed, 0, row, d + 1);
    }
    starts.push_back(std::move(theta));
  }
  return starts;
}

/// Climbs from all starts at once with the data of `regression`.
FitReport search(const Regression& regression, const std::vector<Theta>& starts, int max_rounds) {
  const Settings& settings = regression.settings();
  const std::int64_t parameters = regression.dimensions() + 1;

  std::vector<double> flat, lower, upper;
  for (const Theta& theta : starts) {
    flat.insert(flat.end(), theta.begin(), theta.end());
    lower.insert(lower.end(), theta.size() - 1, std::log(settings.min_lengthscale));
    upper.insert(upper.end(), theta.size() - 1, std::log(settings.max_lengthscale));
    const bool fixed = settings.fixed_noise.has_value();
    lower.push_back(fixed ? std::log(*settings.fixed_noise) : std::log(settings.min_noise));
    upper.push_back(fixed ? std::log(*settings.fixed_noise) : std::log(settings.max_noise));
  }

  backend::Arena& arena = regression.arena();
  backend::Arena::Scope scope(arena);
  const auto info = arena.vector<std::int32_t>(static_cast<std::int64_t>(starts.size()));
  const auto objective = [&](backend::ConstMatrix queries, const std::int32_t* active, backend::Vector value,
                             backend::Matrix gradient) {
    regression.backend()->run(backend::Likelihood{regression.kernel(), regression.points(), regression.targets(),
                                                  regression.noise_weights(), queries, settings.prior, active, value, gradient,
                                                  info});
  };
  optimize::MultiStartOptions limits;
  limits.max_rounds = max_rounds;
  limits.gradient_tolerance = 1e-3;
  limits.value_tolerance = 1e-6;
  const optimize::MultiStartResult found = optimize::multi_start(arena, parameters, flat, lower, upper, objective, limits);

  FitReport report;
  report.rounds = found.rounds;
  report.theta = prior_mode(settings);
  report.value = INFINITY;
  for (std::size_t p = 0; p < found.values.size(); ++p) {
    if (!(found.values[p] < report.value)) continue;
    const auto begin = found.points.begin() + static_cast<std::ptrdiff_t>(p) * parameters;
    report.theta.assign(begin, begin + parameters);
    report.value = found.values[p];
    report.fitted = true;
  }
  return report;
}

/// Every k-th observation, so that at most `count` remain.
Regression thinned(const Regression& regression, std::int64_t count) {
  const std::int64_t n = regression.observations();
  const auto d = static_cast<std::size_t>(regression.dimensions()), stride = static_cast<std::size_t>((n + count - 1) / count);
  const std::span<const double> points = regression.host_points(), targets = regression.host_targets(),
                                weights = regression.host_noise_weights();
  std::vector<double> kept_rows, kept_targets, kept_weights;
  for (std::size_t i = 0; i < targets.size(); i += stride) {
    const std::span<const double> row = points.subspan(i * d, d);
    kept_rows.insert(kept_rows.end(), row.begin(), row.end());
    kept_targets.push_back(targets[i]);
    if (!weights.empty()) kept_weights.push_back(weights[i]);
  }
  Regression out(regression.backend(), regression.settings());
  out.set_data(kept_rows, kept_targets, kept_weights);
  return out;
}

}  // namespace

FitReport fit(const Regression& regression, const FitOptions& options) {
  const std::vector<Theta> starts = starting_points(regression.settings(), options);
  const bool screen = options.screening > 0 && regression.observations() > options.screening && options.restarts > 0;
  if (!screen) return search(regression, starts, options.max_rounds);
  const FitReport screened = search(thinned(regression, options.screening), starts, options.max_rounds);
  const FitReport polished = search(regression, {screened.theta}, options.polish_rounds);
  return polished.fitted ? polished : screened;
}

Theta prior_mode(const Settings& settings) {
  Theta theta(settings.categorical.size() + 1, settings.prior.lengthscale_center);
  theta.back() = log_noise_start(settings);
  return theta;
}

}  // namespace warpbo::gp
