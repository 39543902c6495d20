#include "acquisition/path_samples.hpp"

#include "acquisition/climb.hpp"
#include "acquisition/sample_model.hpp"
#include "optimize/transpose.hpp"

#include <warpbo/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace warpbo::acquisition {
namespace {

std::vector<DomainColumn> columns_of(std::size_t d, std::size_t categorical) {
  std::vector<DomainColumn> columns(d);
  for (std::size_t k = d - categorical; k < d; ++k) columns[k] = {false, true, 3};
  return columns;
}

/// values[s][i]: path s at row i.
std::vector<std::vector<double>> values_of(const gp::Regression& regression, const PathSamples& samples,
                                           const std::vector<double>& rows) {
  const std::int64_t d = regression.dimensions();
  const std::size_t m = rows.size() / static_cast<std::size_t>(d);
  std::vector<std::vector<double>> out;
  std::vector<std::int32_t> paths_of;
  for (std::int32_t s = 0; s < samples.count(); ++s) paths_of.push_back(s);
  const backend::Buffer<std::int32_t> device(regression.backend(), samples.count());
  device.upload(paths_of);
  const PathTarget target(samples.model(), device.view());
  for (std::int32_t s = 0; s < samples.count(); ++s) {
    const std::vector<std::int32_t> owners(m, s);
    std::vector<double> values = evaluate(regression.arena(), target, rows, d, owners);
    for (double& v : values) v = -v;  // evaluate() turns them so that larger is better
    out.push_back(std::move(values));
  }
  return out;
}

/// Posterior means and joint covariance at the rows, straight from the model's formulas.
struct Posterior {
  std::vector<double> mean;
  std::vector<std::vector<double>> covariance;
};
double kernel(const gp::Regression& regression, std::span<const double> a, std::span<const double> b) {
  double squared = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    double delta = (a[k] - b[k]) / std::exp(regression.theta()[k]);
    if (regression.settings().categorical[k] != 0) delta = a[k] != b[k] ? 1 / std::exp(regression.theta()[k]) : 0;
    squared += delta * delta;
  }
  return math::covariance(regression.settings().family, squared).value;
}
Posterior posterior(const gp::Regression& regression, const std::vector<double>& rows) {
  const auto n = static_cast<std::size_t>(regression.observations()), d = static_cast<std::size_t>(regression.dimensions());
  const std::size_t m = rows.size() / d;
  const auto point = [&](std::size_t i) { return regression.host_points().subspan(i * d, d); };
  const auto query = [&](std::size_t i) { return std::span(rows).subspan(i * d, d); };
  // Gauss-Jordan on C X = [y - mean, K(X, queries)].
  std::vector<std::vector<double>> table(n, std::vector<double>(n + 1 + m));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j)
      table[i][j] = kernel(regression, point(i), point(j)) + (i == j ? regression.noise() + regression.jitter() : 0);
    table[i][n] = regression.host_targets()[i] - regression.mean();
    for (std::size_t q = 0; q < m; ++q) table[i][n + 1 + q] = kernel(regression, point(i), query(q));
  }
  for (std::size_t p = 0; p < n; ++p) {
    const double pivot = table[p][p];
    for (double& x : table[p]) x /= pivot;
    for (std::size_t i = 0; i < n; ++i) {
      if (i == p) continue;
      const double factor = table[i][p];
      for (std::size_t c = p; c < table[i].size(); ++c) table[i][c] -= factor * table[p][c];
    }
  }
  Posterior out;
  for (std::size_t q = 0; q < m; ++q) {
    double mean = regression.mean();
    for (std::size_t i = 0; i < n; ++i) mean += kernel(regression, query(q), point(i)) * table[i][n];
    out.mean.push_back(mean);
    out.covariance.emplace_back();
    for (std::size_t r = 0; r < m; ++r) {
      double value = kernel(regression, query(q), query(r));
      for (std::size_t i = 0; i < n; ++i) value -= kernel(regression, query(q), point(i)) * table[i][n + 1 + r];
      out.covariance.back().push_back(regression.outputscale() * value);
    }
  }
  return out;
}

/// Means and covariances of many paths, drawn over many sets of features, against the posterior's: the differences are within
/// five standard errors of a Monte Carlo average.
void expect_posterior(const gp::Regression& regression, std::size_t categorical, std::vector<double> rows) {
  constexpr std::int64_t kSets = 24, kPaths = 128;
  const auto d = static_cast<std::size_t>(regression.dimensions());
  const std::size_t m = rows.size() / d;
  std::vector<double> mean(m);
  std::vector<std::vector<double>> product(m, std::vector<double>(m));
  const Posterior exact = posterior(regression, rows);
  for (std::int64_t set = 0; set < kSets; ++set) {
    PathSampleOptions options;
    options.count = kPaths;
    options.features = 256;
    options.seed = static_cast<std::uint64_t>(set + 1);
    const PathSamples samples(regression, columns_of(d, categorical), options);
    for (const std::vector<double>& path : values_of(regression, samples, rows))
      for (std::size_t i = 0; i < m; ++i) {
        mean[i] += path[i] - exact.mean[i];
        for (std::size_t j = 0; j < m; ++j) product[i][j] += (path[i] - exact.mean[i]) * (path[j] - exact.mean[j]);
      }
  }
  const auto total = static_cast<double>(kSets * kPaths);
  for (std::size_t i = 0; i < m; ++i) {
    EXPECT_NEAR(mean[i] / total, 0, 5 * std::sqrt(exact.covariance[i][i] / total)) << "mean at " << i;
    for (std::size_t j = 0; j < m; ++j) {
      const double variance = exact.covariance[i][i] * exact.covariance[j][j] + exact.covariance[i][j] * exact.covariance[i][j];
      EXPECT_NEAR(product[i][j] / total, exact.covariance[i][j], 5 * std::sqrt(variance / total)) << i << ", " << j;
    }
  }
}

TEST(PathSamples, MeanAndCovarianceAreThePosteriors) {
  expect_posterior(sample_model(12, 2, 0.05), 0, {0.1, 0.2, 0.15, 0.25, 0.9, 0.5, 0.5, 0.95, 2.5, -1});
}

// A categorical column by one frequency per level: the third level, and an absent conditional's -1, too.
TEST(PathSamples, MixedDimensionsFollowTheSameKernel) {
  expect_posterior(sample_model(15, 3, 0.05, 2), 2, {0.1, 0, 1, 0.1, 1, 1, 0.12, 2, 0, 0.9, 0, -1, 0.9, 0, 2});
}

// Without data only the features are at work: their covariance is the kernel.
TEST(PathSamples, WithoutDataThePriorIsTheKernel) {
  for (const math::KernelFamily family : {math::KernelFamily::matern52, math::KernelFamily::rbf}) {
    gp::Settings settings = gp::default_settings(2);
    settings.family = family;
    settings.categorical = {0, 1};
    gp::Regression regression(backend::make_cpu_backend(), settings);
    // One observation far away stands for none: the process needs one.
    regression.set_data(std::vector<double>{1000, 0}, std::vector<double>{0.3});
    ASSERT_TRUE(regression.factorize({std::log(0.4), std::log(0.9), std::log(0.1)}));
    expect_posterior(regression, 1, {0.1, 0, 0.3, 0, 0.3, 1, 1.4, 1, 1.4, 2});
  }
}

TEST(PathSamples, PathsGoThroughNoiseFreeData) {
  const gp::Regression regression = sample_model(20, 2, 1e-9);
  PathSampleOptions options;
  options.count = 50;
  const PathSamples samples(regression, columns_of(2, 0), options);
  const std::vector<double> rows(regression.host_points().begin(), regression.host_points().end());
  for (const std::vector<double>& path : values_of(regression, samples, rows))
    for (std::size_t i = 0; i < path.size(); ++i) EXPECT_NEAR(path[i], regression.host_targets()[i], 2e-3);
  // Elsewhere they differ.
  const auto elsewhere = values_of(regression, samples, {2.0, 2.0});
  EXPECT_GT(std::fabs(elsewhere[0][0] - elsewhere[1][0]), 1e-3);
}

TEST(PathSamples, SpreadScalesTheDistanceFromTheMean) {
  const gp::Regression regression = sample_model(10, 2, 0.01);
  PathSampleOptions options;
  options.count = 3;
  const std::vector<double> rows = {0.3, 0.8, 0.7, 0.1};
  const auto full = values_of(regression, PathSamples(regression, columns_of(2, 0), options), rows);
  options.spread = {1, 0.5, 0};
  const auto scaled = values_of(regression, PathSamples(regression, columns_of(2, 0), options), rows);
  const Posterior exact = posterior(regression, rows);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t s = 0; s < 3; ++s)
      EXPECT_NEAR(scaled[s][i] - exact.mean[i], options.spread[s] * (full[s][i] - exact.mean[i]), 1e-10);
}

TEST(PathSamples, WeightsOfTheNoiseCount) {
  gp::Regression regression = sample_model(10, 2, 0.2);
  std::vector<double> weights(10, 1.0);
  weights[3] = 1e-8;
  const std::vector<double> points(regression.host_points().begin(), regression.host_points().end());
  const std::vector<double> targets(regression.host_targets().begin(), regression.host_targets().end());
  const gp::Theta theta = regression.theta();
  regression.set_data(points, targets, weights);
  ASSERT_TRUE(regression.factorize(theta));
  PathSampleOptions options;
  options.count = 200;
  const auto paths = values_of(regression, PathSamples(regression, columns_of(2, 0), options), points);
  double exact = 0, noisy = 0;
  for (const std::vector<double>& path : paths) {
    exact = std::max(exact, std::fabs(path[3] - targets[3]));
    noisy = std::max(noisy, std::fabs(path[4] - targets[4]));
  }
  EXPECT_LT(exact, 2e-3);
  EXPECT_GT(noisy, 0.05);
}

// G4: what cannot fit is refused before it is allocated, with its size.
TEST(PathSamples, G4_TooMuchMemoryIsRefusedWithItsSize) {
  const gp::Regression regression = sample_model(10, 2, 0.01);
  PathSampleOptions options;
  options.count = std::int64_t{1} << 36;
  try {
    const PathSamples samples(regression, columns_of(2, 0), options);
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
    EXPECT_NE(std::string(error.what()).find(" MB"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace warpbo::acquisition
