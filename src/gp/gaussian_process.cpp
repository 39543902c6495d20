#include "backend/open.hpp"
#include "gp/cpu_reserve.hpp"
#include "gp/fit.hpp"
#include "gp/joint_sample.hpp"
#include "gp/standardize.hpp"

#include <warpbo/error.hpp>
#include <warpbo/gaussian_process.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <string>

namespace warpbo {

namespace {

void check_finite(std::span<const double> values, std::size_t columns, const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      throw Error(ErrorCode::invalid_argument,
                  std::string(what) + " " + std::to_string(i / columns) + " holds a number that is not finite" +
                      (columns > 1 ? " in column " + std::to_string(i % columns) : "") + "; leave such rows out");
}

void check_points(std::span<const double> points, std::size_t dimensions, const char* what) {
  if (points.size() % dimensions != 0)
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + " has " + std::to_string(points.size()) +
                    " numbers, which is not a multiple of dimensions = " + std::to_string(dimensions));
  check_finite(points, dimensions, what);
}

void check(std::span<const double> points, std::span<const double> targets, std::size_t dimensions) {
  check_points(points, dimensions, "point");
  check_finite(targets, 1, "target");
  if (points.size() != targets.size() * dimensions)
    throw Error(ErrorCode::invalid_argument, "there are " + std::to_string(points.size() / dimensions) + " points but " +
                                                 std::to_string(targets.size()) + " targets");
}

gp::Settings settings_of(const GaussianProcessOptions& options) {
  if (options.dimensions < 1)
    throw Error(ErrorCode::invalid_argument,
                "dimensions is " + std::to_string(options.dimensions) + "; set it to the number of columns per point");
  gp::Settings settings = gp::default_settings(options.dimensions);
  settings.family = options.kernel == Kernel::rbf ? math::KernelFamily::rbf : math::KernelFamily::matern52;
  for (const int index : options.categorical) {
    if (index < 0 || index >= options.dimensions)
      throw Error(ErrorCode::invalid_argument, "categorical dimension " + std::to_string(index) + " is not in 0 .. " +
                                                   std::to_string(options.dimensions - 1));
    settings.categorical[static_cast<std::size_t>(index)] = 1;
  }
  if (options.noise_variance && !(*options.noise_variance >= 0 && std::isfinite(*options.noise_variance)))
    throw Error(ErrorCode::invalid_argument,
                "noise_variance is " + std::to_string(*options.noise_variance) + "; it must be a finite number >= 0");
  return settings;
}

}  // namespace

struct GaussianProcess::Impl {
  gp::Regression regression;
  gp::Standardization standard;
  // What can be asked of the object, by any thread, without a chance to report a failure; of the standardized targets.
  std::int64_t observations = 0;
  std::vector<double> lengthscales;
  double noise = 0, outputscale = 1, mean = 0, jitter = 0, log_marginal_likelihood = 0;
  bool cpu_reserve = false;  // the device was our choice: if it fails, the CPU goes on
  // Operations need the backend's temporaries, and one backend object serves one thread at a time.
  mutable std::mutex mutex;

  Impl(std::shared_ptr<backend::Backend> backend, gp::Settings settings)
      : regression(std::move(backend), std::move(settings)) {}

  /// `work(regression)`, on the CPU if the device fails and was not asked for by name.
  template <class Work>
  auto run(Work&& work) {
    return cpu_reserve ? gp::with_cpu_reserve(regression, work) : work(regression);
  }

  void summarize() {
    observations = regression.observations();
    lengthscales.clear();
    for (std::size_t k = 0; k + 1 < regression.theta().size(); ++k) lengthscales.push_back(std::exp(regression.theta()[k]));
    noise = regression.noise();
    outputscale = regression.outputscale();
    mean = regression.mean();
    jitter = regression.jitter();
    log_marginal_likelihood = regression.log_marginal_likelihood();
  }

  /// Fits, once per guess of the outputscale when the noise is known in absolute terms: the model's noise is relative to it.
  void fit(const GaussianProcessOptions& options, std::optional<double> standardized_noise, gp::Settings settings,
           std::span<const double> points, std::span<const double> targets) {
    gp::FitOptions search;
    search.restarts = std::max(1, options.restarts + 1);
    search.seed = options.seed;
    double guess = 1;  // of the outputscale
    for (int round = 0; round < (standardized_noise ? 6 : 1); ++round) {
      if (standardized_noise) {
        const double floor = static_cast<double>(targets.size()) * std::numeric_limits<double>::epsilon();
        settings.fixed_noise = std::max(*standardized_noise / guess, floor);
        regression = gp::Regression(regression.backend(), settings);
      }
      regression.set_data(points, targets);
      const gp::FitReport report = gp::fit(regression, search);
      if (!regression.factorize(report.theta) && !regression.factorize(gp::prior_mode(settings)))
        throw Error(ErrorCode::internal, "the covariance matrix could not be factored even with jitter");
      search.warm = {report.theta};
      search.restarts = 1;
      const double ratio = regression.outputscale() / guess;
      guess = regression.outputscale();
      if (ratio > 0.99 && ratio < 1.01) break;
    }
    summarize();
  }
};

GaussianProcess GaussianProcess::fit(std::span<const double> points, std::span<const double> targets,
                                     const GaussianProcessOptions& options) {
  const gp::Settings settings = settings_of(options);
  check(points, targets, static_cast<std::size_t>(options.dimensions));
  if (targets.empty()) throw Error(ErrorCode::invalid_argument, "there are no observations; give at least one point");
  auto impl = std::make_unique<Impl>(backend::open_backend(options.device).backend, settings);
  impl->standard = gp::Standardization::of(targets);
  std::vector<double> standardized;
  for (const double y : targets) standardized.push_back(impl->standard.forward(y));
  std::optional<double> noise;
  if (options.noise_variance) noise = *options.noise_variance / impl->standard.scale / impl->standard.scale;
  impl->cpu_reserve = options.device.kind() == Device::Kind::automatic;
  impl->run([&](gp::Regression&) { impl->fit(options, noise, settings, points, standardized); });
  return GaussianProcess(std::move(impl));
}

GaussianProcess::GaussianProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GaussianProcess::~GaussianProcess() = default;
GaussianProcess::GaussianProcess(GaussianProcess&&) noexcept = default;
GaussianProcess& GaussianProcess::operator=(GaussianProcess&&) noexcept = default;

Prediction GaussianProcess::predict(std::span<const double> queries) const {
  check_points(queries, impl_->lengthscales.size(), "query");
  const std::lock_guard lock(impl_->mutex);
  gp::Moments moments = impl_->run([&](const gp::Regression& regression) { return gp::predict(regression, queries); });
  const gp::Standardization& standard = impl_->standard;
  for (double& m : moments.mean) m = standard.backward(m);
  for (double& v : moments.variance) v *= standard.scale * standard.scale;
  return {std::move(moments.mean), std::move(moments.variance)};
}

std::vector<double> GaussianProcess::sample(std::span<const double> queries, int count, std::uint64_t seed) const {
  check_points(queries, impl_->lengthscales.size(), "query");
  if (count < 0) throw Error(ErrorCode::invalid_argument, "cannot draw " + std::to_string(count) + " samples");
  const std::lock_guard lock(impl_->mutex);
  std::vector<double> samples =
      impl_->run([&](const gp::Regression& regression) { return gp::joint_sample(regression, queries, count, seed); });
  for (double& value : samples) value = impl_->standard.backward(value);
  return samples;
}

void GaussianProcess::append(std::span<const double> points, std::span<const double> targets) {
  check(points, targets, impl_->lengthscales.size());
  std::vector<double> standardized;
  for (const double y : targets) standardized.push_back(impl_->standard.forward(y));
  const std::lock_guard lock(impl_->mutex);
  const std::int64_t before = impl_->regression.observations();
  impl_->run([&](gp::Regression& regression) {
    // A device that fails after the data are in leaves only the factor to be made.
    const bool done = regression.observations() == before && regression.append(points, standardized);
    if (!done && !regression.factorize(gp::Theta(regression.theta())))
      throw Error(ErrorCode::internal, "the extended covariance matrix could not be factored even with jitter");
    impl_->summarize();
  });
}

Prediction GaussianProcess::leave_one_out() const {
  const std::lock_guard lock(impl_->mutex);
  gp::Regression::LeaveOneOut out = impl_->run([](const gp::Regression& regression) { return regression.leave_one_out(); });
  for (double& m : out.mean) m = impl_->standard.backward(m);
  for (double& v : out.variance) v *= impl_->standard.scale * impl_->standard.scale;
  return {std::move(out.mean), std::move(out.variance)};
}

std::int64_t GaussianProcess::observations() const noexcept { return impl_->observations; }
const std::vector<double>& GaussianProcess::lengthscales() const noexcept { return impl_->lengthscales; }
double GaussianProcess::noise_variance() const noexcept { return impl_->noise * outputscale(); }
double GaussianProcess::outputscale() const noexcept {
  return impl_->outputscale * impl_->standard.scale * impl_->standard.scale;
}
double GaussianProcess::mean() const noexcept { return impl_->standard.backward(impl_->mean); }
double GaussianProcess::jitter() const noexcept { return impl_->jitter; }

double GaussianProcess::log_marginal_likelihood() const noexcept {
  // Scaling the targets by c adds -n log c.
  return impl_->log_marginal_likelihood - static_cast<double>(observations()) * std::log(impl_->standard.scale);
}

}  // namespace warpbo
