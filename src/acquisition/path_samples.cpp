#include "acquisition/path_samples.hpp"

#include "math/philox.hpp"

#include <warpbo/error.hpp>

#include <cmath>
#include <string>

namespace warpbo::acquisition {

namespace {

using backend::Buffer;
using backend::Matrix;

// Streams of the random numbers of one seed.
constexpr std::uint64_t kFrequencies = 11, kScales = 12, kAmplitudes = 13, kNoise = 14;

/// The kernel is a mixture of squared exponentials exp(-g r^2 / 2): g = 1 for the squared exponential itself, g = 5 / chi^2_5
/// for the Matern-5/2, whose spectral density is a multivariate t (Rahimi & Recht 2007; Rasmussen & Williams 2006, sec. 4.2).
double mixture_scale(math::KernelFamily family, std::uint64_t seed, std::uint64_t feature) {
  if (family == math::KernelFamily::rbf) return 1;
  double chi_squared = 0;
  for (std::uint64_t i = 0; i < 5; ++i) {
    const double normal = math::philox_normal(seed, kScales, feature, i);
    chi_squared += normal * normal;
  }
  return 5 / chi_squared;
}

void check_memory(const backend::Backend& backend, double wanted, std::int64_t count, std::int64_t n) {
  const auto limit = static_cast<double>(backend.traits().memory_limit);
  if (wanted <= limit) return;
  const auto megabytes = [](double bytes) { return std::to_string(static_cast<std::int64_t>(std::ceil(bytes / 1e6))) + " MB"; };
  throw Error(ErrorCode::resource_exhausted, std::to_string(count) + " function samples over " + std::to_string(n) +
                                                 " observations take " + megabytes(wanted) + ", and " + backend.name() +
                                                 " grants " + megabytes(limit));
}

}  // namespace

double PathSamples::bytes(std::int64_t n, std::int64_t count, std::int64_t features) {
  const auto size = [](std::int64_t rows, std::int64_t columns) {
    return 8.0 * static_cast<double>(rows) * static_cast<double>(columns);
  };
  return size(2 * features, count + n) + 2 * size(n, count);
}

PathSamples::PathSamples(const gp::Regression& regression, const std::vector<DomainColumn>& columns,
                         const PathSampleOptions& options)
    : regression_(regression), backend_(*regression.backend()), count_(options.count), features_(options.features) {
  check_memory(backend_, bytes(regression.observations(), count_, features_), count_, regression.observations());
  draw_features(columns, options.seed);
  draw_amplitudes(options.seed);
  solve_updates(options.seed);
  if (options.spread.empty()) return;
  spread_ = Buffer<double>(regression.backend(), count_);
  spread_.upload(options.spread);
}

/// A categorical column is its one-hot code: two levels are sqrt(2) apart, so that frequencies of half the variance give
/// distance 1. Frequencies of different levels are independent, and given g the covariance of the features of x and x' is
/// product over numeric columns exp(-g delta^2 / 2 l^2) times product over categorical ones that differ exp(-g / 2 l^2): with
/// the expectation over g, exactly the kernel.
void PathSamples::draw_features(const std::vector<DomainColumn>& columns, std::uint64_t seed) {
  const std::vector<std::uint8_t>& categorical = regression_.settings().categorical;
  std::vector<std::int32_t> first;
  std::vector<double> scales;  // per column of the frequencies
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const double inverse = std::exp(-regression_.theta()[k]);
    if (categorical[k] == 0) {
      first.push_back(static_cast<std::int32_t>(scales.size()));
      scales.push_back(inverse);
      continue;
    }
    first.push_back(static_cast<std::int32_t>(scales.size() + 1));  // behind level -1
    scales.insert(scales.end(), static_cast<std::size_t>(columns[k].levels + 1), inverse * std::sqrt(0.5));
  }
  frequency_columns_ = static_cast<std::int64_t>(scales.size());
  std::vector<double> frequencies(static_cast<std::size_t>(features_ * frequency_columns_));
  for (std::int64_t j = 0; j < features_; ++j) {
    const double scale = std::sqrt(mixture_scale(regression_.settings().family, seed, static_cast<std::uint64_t>(j)));
    for (std::size_t c = 0; c < scales.size(); ++c)
      frequencies[static_cast<std::size_t>(j) + c * static_cast<std::size_t>(features_)] =
          scale * scales[c] * math::philox_normal(seed, kFrequencies, static_cast<std::uint64_t>(j), c);
  }
  first_ = Buffer<std::int32_t>(regression_.backend(), static_cast<std::int64_t>(first.size()));
  first_.upload(first);
  frequencies_ = Buffer<double>(regression_.backend(), static_cast<std::int64_t>(frequencies.size()));
  frequencies_.upload(frequencies);
}

/// Independent normals of variance outputscale / J: the sum over cosines and sines then has variance outputscale everywhere.
void PathSamples::draw_amplitudes(std::uint64_t seed) {
  const double sd = std::sqrt(regression_.outputscale() / static_cast<double>(features_));
  const std::vector<double> factors(static_cast<std::size_t>(2 * features_), sd);
  backend::Arena::Scope scope(regression_.arena());
  const backend::Vector device = regression_.arena().vector<double>(2 * features_);
  backend_.upload(device.data, factors.data(), factors.size() * sizeof(double));
  amplitudes_ = Buffer<double>(regression_.backend(), 2 * features_ * count_);
  backend_.run(backend::FillRandom{amplitudes_.matrix(2 * features_, count_), seed, kAmplitudes, true, device});
}

/// updates = C^-1 (prior draw at X + noise draw) / outputscale.
void PathSamples::solve_updates(std::uint64_t seed) {
  const std::int64_t n = regression_.observations();
  const double outputscale = regression_.outputscale();
  updates_ = Buffer<double>(regression_.backend(), n * count_);
  if (n == 0) return;
  std::vector<double> factors(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double weight = regression_.host_noise_weights().empty() ? 1.0 : regression_.host_noise_weights()[i];
    factors[i] = std::sqrt(outputscale * (regression_.noise() * weight + regression_.jitter()));
  }
  backend::Arena::Scope scope(regression_.arena());
  const backend::Vector device = regression_.arena().vector<double>(n);
  backend_.upload(device.data, factors.data(), factors.size() * sizeof(double));
  const Matrix updates = updates_.matrix(n, count_);
  backend_.run(backend::FillRandom{updates, seed, kNoise, true, device});
  const backend::Model process = regression_.model();
  const Buffer<double> features(regression_.backend(), 2 * features_ * n), whitened(regression_.backend(), n * count_);
  const Matrix at_points = features.matrix(2 * features_, n), half_way = whitened.matrix(n, count_);
  backend_.run(backend::EvaluateFeatures{model().features, process.points, at_points});
  backend_.run(backend::Multiply{at_points, true, false, amplitudes_.matrix(2 * features_, count_), false, 1, 1, updates});
  backend_.run(backend::Multiply{process.inverse_factor, false, true, updates, false, 1, 0, half_way});
  backend_.run(backend::Multiply{process.inverse_factor, true, true, half_way, false, 1 / outputscale, 0, updates});
}

backend::PathModel PathSamples::model() const {
  return {regression_.model(),
          {regression_.kernel(), frequencies_.matrix(features_, frequency_columns_), first_.view()},
          amplitudes_.matrix(2 * features_, count_),
          updates_.matrix(regression_.observations(), count_),
          spread_.view()};
}

}  // namespace warpbo::acquisition
