#include "gp/regression.hpp"

#include "gp/dense_reference.hpp"
#include "gp/fit.hpp"
#include "gp/joint_sample.hpp"
#include "math/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace warpbo::gp {
namespace {

struct Data {
  reference::Rows rows;
  std::vector<double> points, targets;
};

/// n points of [0, 1]^d with a smooth, standardized-looking target.
Data make_data(std::size_t n, std::size_t d, std::uint64_t seed) {
  Data data;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> row;
    double y = 0;
    for (std::size_t k = 0; k < d; ++k) {
      row.push_back(math::philox_uniform(seed, 0, i, k));
      y += std::sin(3 * row.back() + static_cast<double>(k));
    }
    data.points.insert(data.points.end(), row.begin(), row.end());
    data.rows.push_back(row);
    data.targets.push_back(y + 0.01 * math::philox_normal(seed, 1, i, 0));
  }
  return data;
}

Theta make_theta(std::size_t d, double noise) {
  Theta theta;
  for (std::size_t k = 0; k < d; ++k) theta.push_back(std::log(0.4 + 0.2 * static_cast<double>(k)));
  theta.push_back(std::log(noise));
  return theta;
}

Regression make(std::size_t d) {
  return Regression(backend::make_cpu_backend(), default_settings(static_cast<std::int64_t>(d)));
}

class RegressionSizes : public ::testing::TestWithParam<std::size_t> {};

TEST_P(RegressionSizes, PosteriorAgreesWithTheTextbookInLongDouble) {
  const std::size_t n = GetParam(), d = 3;
  const Data data = make_data(n, d, 7), queries = make_data(20, d, 8);
  const Theta theta = make_theta(d, 1e-3);
  Regression regression = make(d);
  regression.set_data(data.points, data.targets);
  ASSERT_TRUE(regression.factorize(theta));
  const Moments moments = predict(regression, queries.points);
  const backend::HyperPrior prior = default_settings(3).prior;
  const reference::Posterior exact = reference::predict(data.rows, data.targets, theta, prior.shape, prior.rate, queries.rows);
  EXPECT_NEAR(regression.mean(), static_cast<double>(exact.mean_constant), 1e-9);
  EXPECT_NEAR(regression.outputscale(), static_cast<double>(exact.outputscale), 1e-9 * static_cast<double>(exact.outputscale));
  for (std::size_t q = 0; q < 20; ++q) {
    EXPECT_NEAR(moments.mean[q], static_cast<double>(exact.mean[q]), 1e-9);
    EXPECT_NEAR(moments.variance[q], static_cast<double>(exact.variance[q]), 1e-9);
  }
}

TEST_P(RegressionSizes, AppendingEqualsRebuilding) {
  const std::size_t n = GetParam(), d = 3;
  const Data data = make_data(n + 10, d, 9), queries = make_data(15, d, 10);
  const Theta theta = make_theta(d, 1e-4);
  Regression whole = make(d), grown = make(d);
  whole.set_data(data.points, data.targets);
  ASSERT_TRUE(whole.factorize(theta));
  grown.set_data(std::span(data.points).first(n * d), std::span(data.targets).first(n));
  ASSERT_TRUE(grown.factorize(theta));
  ASSERT_TRUE(grown.append(std::span(data.points).subspan(n * d, d), std::span(data.targets).subspan(n, 1)));
  ASSERT_TRUE(grown.append(std::span(data.points).subspan((n + 1) * d), std::span(data.targets).subspan(n + 1)));
  const Moments a = predict(whole, queries.points), b = predict(grown, queries.points);
  for (std::size_t q = 0; q < 15; ++q) {
    EXPECT_NEAR(a.mean[q], b.mean[q], 1e-9);
    EXPECT_NEAR(a.variance[q], b.variance[q], 1e-9);
  }
  EXPECT_NEAR(whole.log_marginal_likelihood(), grown.log_marginal_likelihood(), 1e-7);
}

INSTANTIATE_TEST_SUITE_P(Sizes, RegressionSizes, ::testing::Values(1, 2, 5, 31, 33, 64, 130));

TEST(Regression, NewTargetsUnderTheSameFactor) {
  const Data data = make_data(40, 2, 18), queries = make_data(5, 2, 19);
  std::vector<double> other;
  for (const double y : data.targets) other.push_back(3 * y * y - 1);
  Regression changed = make(2), fresh = make(2);
  changed.set_data(data.points, data.targets);
  fresh.set_data(data.points, other);
  ASSERT_TRUE(changed.factorize(make_theta(2, 1e-3)));
  ASSERT_TRUE(fresh.factorize(make_theta(2, 1e-3)));
  ASSERT_TRUE(changed.extend({}, other));
  EXPECT_EQ(predict(changed, queries.points).mean, predict(fresh, queries.points).mean);
}

TEST(Fit, ScreeningOnASubsetEndsWhereAFullSearchDoes) {
  const Data data = make_data(400, 3, 20);
  Regression regression = make(3);
  regression.set_data(data.points, data.targets);
  FitOptions screened, full;
  full.screening = 0;
  EXPECT_NEAR(fit(regression, screened).value, fit(regression, full).value, 0.5);
}

// Only the best starts go on after the first rounds; which end they come to, they come to as without.
TEST(Fit, TheBestStartsEndWhereAllWouldHaveEnded) {
  for (const std::size_t n : {12UL, 30UL, 60UL, 120UL}) {
    const Data data = make_data(n, 4, 30 + n);
    Regression regression = make(4);
    regression.set_data(data.points, data.targets);
    FitOptions some, all;
    all.restarts = some.restarts = 6;
    all.trial_rounds = 0;
    const FitReport found = fit(regression, some), best = fit(regression, all);
    EXPECT_TRUE(found.fitted);
    EXPECT_NEAR(found.value, best.value, 0.2) << n;
    EXPECT_LE(found.rounds, some.max_rounds);
  }
}

TEST(Fit, OneStartIsNotSearchedInParts) {
  const Data data = make_data(30, 2, 31);
  Regression regression = make(2);
  regression.set_data(data.points, data.targets);
  FitOptions options, whole;
  options.restarts = whole.restarts = 1;
  whole.trial_rounds = 0;
  EXPECT_EQ(fit(regression, options).theta, fit(regression, whole).theta);
}

// A matrix too large to be kept with zeros above its diagonal takes another way to the same numbers.
TEST(Regression, LeaveOneOutInALargeBuffer) {
  for (const std::size_t n : {40UL, 256UL, 257UL, 600UL}) {
    const Data data = make_data(n, 3, 15), large = make_data(1100, 3, 16);
    Regression small = make(3), roomy = make(3);
    roomy.set_data(large.points, large.targets);
    for (Regression* regression : {&small, &roomy}) {
      regression->set_data(data.points, data.targets);
      ASSERT_TRUE(regression->factorize(make_theta(3, 1e-3)));
    }
    const Regression::LeaveOneOut a = small.leave_one_out(), b = roomy.leave_one_out();
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(a.mean[i], b.mean[i], 1e-12);
      EXPECT_NEAR(a.variance[i], b.variance[i], 1e-12);
    }
  }
}

TEST(Regression, LeaveOneOutEqualsLeavingOneOut) {
  const std::size_t n = 12, d = 2;
  const Data data = make_data(n, d, 11);
  const Theta theta = make_theta(d, 1e-2);
  Regression regression = make(d);
  regression.set_data(data.points, data.targets);
  ASSERT_TRUE(regression.factorize(theta));
  const Regression::LeaveOneOut loo = regression.leave_one_out();
  for (std::size_t out = 0; out < n; ++out) {
    reference::Rows rows;
    std::vector<double> residuals;  // the closed form keeps mean and outputscale: leave out with both held fixed
    for (std::size_t i = 0; i < n; ++i) {
      if (i == out) continue;
      rows.push_back(data.rows[i]);
      residuals.push_back(data.targets[i] - regression.mean());
    }
    std::vector<std::vector<reference::Real>> c(n - 1, std::vector<reference::Real>(n - 1)),
        right(n - 1, std::vector<reference::Real>(2));
    for (std::size_t i = 0; i + 1 < n; ++i) {
      for (std::size_t j = 0; j + 1 < n; ++j) c[i][j] = reference::matern52(rows[i], rows[j], theta);
      c[i][i] += 1e-2L;
      right[i] = {residuals[i], reference::matern52(rows[i], data.rows[out], theta)};
    }
    const auto solved = reference::solve(c, right);
    reference::Real mean = regression.mean(), variance = 1 + 1e-2L;
    for (std::size_t i = 0; i + 1 < n; ++i) {
      mean += right[i][1] * solved[i][0];
      variance -= right[i][1] * solved[i][1];
    }
    EXPECT_NEAR(loo.mean[out], static_cast<double>(mean), 1e-9);
    EXPECT_NEAR(loo.variance[out], static_cast<double>(variance) * regression.outputscale(), 1e-9);
  }
}

TEST(Regression, JointSamplesHaveThePosteriorsMoments) {
  const std::size_t d = 2;
  const Data data = make_data(8, d, 12), queries = make_data(5, d, 13);
  Regression regression = make(d);
  regression.set_data(data.points, data.targets);
  ASSERT_TRUE(regression.factorize(make_theta(d, 1e-2)));
  const Moments moments = predict(regression, queries.points);
  const std::int64_t count = 20000;
  const std::vector<double> samples = joint_sample(regression, queries.points, count, 3);
  for (std::size_t q = 0; q < 5; ++q) {
    double mean = 0, square = 0;
    for (std::int64_t s = 0; s < count; ++s) mean += samples[static_cast<std::size_t>(s) * 5 + q] / static_cast<double>(count);
    for (std::int64_t s = 0; s < count; ++s) {
      const double delta = samples[static_cast<std::size_t>(s) * 5 + q] - mean;
      square += delta * delta / static_cast<double>(count);
    }
    const double sd = std::sqrt(moments.variance[q]);
    EXPECT_NEAR(mean, moments.mean[q], 5 * sd / std::sqrt(static_cast<double>(count)));
    EXPECT_NEAR(square, moments.variance[q], 0.06 * moments.variance[q]);
  }
}

// N3, N17: hundreds of exact duplicates without noise. The jitter that is needed stays of the size of rounding errors.
TEST(Regression, N17_SingularMatricesTakeARelativeJitterFromRoundingSizeUpwards) {
  Data data = make_data(100, 2, 14);
  for (int copy = 0; copy < 2; ++copy) {
    data.points.insert(data.points.end(), data.points.begin(), data.points.begin() + 200);
    data.targets.insert(data.targets.end(), data.targets.begin(), data.targets.begin() + 100);
  }
  Settings settings = default_settings(2);
  settings.family = math::KernelFamily::rbf;
  Regression regression(backend::make_cpu_backend(), settings);
  regression.set_data(data.points, data.targets);
  ASSERT_TRUE(regression.factorize({std::log(2.0), std::log(2.0), std::log(1e-20)}));
  EXPECT_GT(regression.jitter(), 0);
  EXPECT_LT(regression.jitter(), 1e-10);
  for (const double m : predict(regression, data.points).mean) EXPECT_TRUE(std::isfinite(m));
}

TEST(Fit, FindsShortLengthscalesWhereTheFunctionVariesAndLongOnesWhereItDoesNot) {
  Data data = make_data(60, 3, 15);
  for (std::size_t i = 0; i < 60; ++i) data.targets[i] = std::sin(9 * data.rows[i][0]) + 0.3 * data.rows[i][1];
  Regression regression = make(3);
  regression.set_data(data.points, data.targets);
  const FitReport report = fit(regression, {});
  ASSERT_TRUE(report.fitted);
  EXPECT_LT(std::exp(report.theta[0]), 0.8);
  EXPECT_GT(report.theta[1], report.theta[0] + 1);
  EXPECT_GT(report.theta[2], report.theta[0] + 1);
}

TEST(Fit, InfersTheNoise) {
  Data data = make_data(200, 1, 16);
  for (std::size_t i = 0; i < 200; ++i) data.targets[i] = std::sin(6 * data.rows[i][0]) + 0.3 * math::philox_normal(5, 5, i, 0);
  Regression regression = make(1);
  regression.set_data(data.points, data.targets);
  const FitReport report = fit(regression, {});
  ASSERT_TRUE(regression.factorize(report.theta));
  EXPECT_NEAR(std::sqrt(regression.noise() * regression.outputscale()), 0.3, 0.06);
}

TEST(Fit, TheSameSeedGivesTheSameBits) {
  const Data data = make_data(40, 4, 17);
  Regression first = make(4), second = make(4);
  first.set_data(data.points, data.targets);
  second.set_data(data.points, data.targets);
  FitOptions options;
  options.seed = 3;
  EXPECT_EQ(fit(first, options).theta, fit(second, options).theta);
}

}  // namespace
}  // namespace warpbo::gp
