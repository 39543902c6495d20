// Rows G3 and G6 of the catalogue of faults, for a regression on a device that fails on demand.
#include "backend/fault_backend.hpp"
#include "gp/cpu_reserve.hpp"
#include "gp/joint_sample.hpp"
#include "gp/regression.hpp"
#include "math/philox.hpp"

#include <warpbo/error.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

namespace warpbo::gp {
namespace {

using backend::FaultBackend;
using backend::Faults;

constexpr std::int64_t kObservations = 40, kDimensions = 3;

std::vector<double> random_points(std::int64_t count, std::uint64_t seed) {
  std::vector<double> points;
  for (std::int64_t i = 0; i < count * kDimensions; ++i)
    points.push_back(math::philox_uniform(seed, 0, static_cast<std::uint64_t>(i), 0));
  return points;
}

std::vector<double> targets_at(const std::vector<double>& points) {
  std::vector<double> targets;
  for (std::size_t at = 0; at < points.size(); at += kDimensions) targets.push_back(std::sin(4 * points[at]) + points[at + 1]);
  return targets;
}

const Theta kTheta = {std::log(0.5), std::log(0.6), std::log(0.7), std::log(1e-4)};

class RegressionFaults : public ::testing::TestWithParam<Faults::Wrong> {
 protected:
  std::shared_ptr<FaultBackend> device = std::make_shared<FaultBackend>(backend::make_cpu_backend());
  std::vector<double> points = random_points(kObservations, 1), targets = targets_at(points);
  std::vector<double> queries = random_points(10, 2);
  Regression regression{device, default_settings(kDimensions)};

  /// The moments of a regression that met no fault.
  [[nodiscard]] Moments expected(const std::vector<double>& all_points) const {
    Regression healthy(backend::make_cpu_backend(), default_settings(kDimensions));
    healthy.set_data(all_points, targets_at(all_points));
    EXPECT_TRUE(healthy.factorize(kTheta));
    return predict(healthy, queries);
  }
  void expect_moments(const Moments& right, double tolerance) const {
    const Moments found = predict(regression, queries);
    for (std::size_t q = 0; q < right.mean.size(); ++q) {
      EXPECT_NEAR(found.mean[q], right.mean[q], tolerance);
      EXPECT_NEAR(found.variance[q], right.variance[q], tolerance);
    }
  }
};

TEST_P(RegressionFaults, G3_AWrongFactorIsSeenAndMadeAgain) {
  regression.set_data(points, targets);
  Faults faults;
  faults.wrong_factorization = 0;
  faults.wrong = GetParam();
  device->plan(faults);
  ASSERT_TRUE(regression.factorize(kTheta));
  EXPECT_TRUE(device->struck());
  EXPECT_EQ(regression.failures(), 1);
  EXPECT_GT(regression.jitter(), 0);
  expect_moments(expected(points), 1e-8);
}

TEST_P(RegressionFaults, G3_FactorsThatStayWrongAreAFailure) {
  regression.set_data(points, targets);
  Faults faults;
  faults.wrong_factorization = 0;
  faults.all_later_factorizations = true;
  faults.wrong = GetParam();
  device->plan(faults);
  EXPECT_FALSE(regression.factorize(kTheta));
  EXPECT_EQ(regression.failures(), 11);
  device->plan({});
  ASSERT_TRUE(regression.factorize(kTheta));
  expect_moments(expected(points), 0);
}

TEST_P(RegressionFaults, G3_AWrongExtensionIsSeen) {
  regression.set_data(points, targets);
  ASSERT_TRUE(regression.factorize(kTheta));
  std::vector<double> more = random_points(3, 3);
  Faults faults;
  faults.wrong_factorization = 0;
  faults.wrong = GetParam();
  device->plan(faults);
  EXPECT_FALSE(regression.append(more, targets_at(more)));
  EXPECT_EQ(regression.failures(), 1);
  EXPECT_EQ(regression.observations(), kObservations + 3);
  ASSERT_TRUE(regression.factorize(kTheta));
  more.insert(more.begin(), points.begin(), points.end());
  expect_moments(expected(more), 0);
}

INSTANTIATE_TEST_SUITE_P(Wrong, RegressionFaults,
                         ::testing::Values(Faults::Wrong::nan, Faults::Wrong::info, Faults::Wrong::absurd));

// Factors that are right must never be taken for wrong ones, however badly conditioned the matrix: 400 points on a line,
// lengthscales far beyond their distances, the least noise there is.
TEST(RegressionChecks, G3_NoFalseAlarmOnBadlyConditionedMatrices) {
  for (const double noise : {1e-7, 1e-3, 1.0}) {
    for (const double lengthscale : {0.01, 1.0, 100.0}) {
      Settings settings = default_settings(1);
      Regression regression(backend::make_cpu_backend(), settings);
      std::vector<double> points, targets;
      for (int i = 0; i < 400; ++i) {
        points.push_back(i / 400.0);
        targets.push_back(i % 7 == 0 ? 3 : std::sin(i / 30.0));
      }
      regression.set_data(points, targets);
      EXPECT_TRUE(regression.factorize({std::log(lengthscale), std::log(noise)}));
      EXPECT_EQ(regression.failures(), 0) << "noise " << noise << ", lengthscale " << lengthscale;
    }
  }
}

// G6, G7: whichever allocation of an extension fails, the regression is what it was.
TEST_F(RegressionFaults, G6_AFailedExtensionLeavesTheRegressionAsItWas) {
  const std::vector<double> more = random_points(kObservations, 3);
  std::vector<double> all = points;
  all.insert(all.end(), more.begin(), more.end());
  const Moments before = expected(points), after = expected(all);
  bool succeeded = false;
  for (std::int64_t k = 0; !succeeded; ++k) {
    ASSERT_LT(k, 100);
    regression = Regression(device, default_settings(kDimensions));
    regression.set_data(points, targets);
    ASSERT_TRUE(regression.factorize(kTheta));
    Faults faults;
    faults.failing_allocation = k;
    device->plan(faults);
    try {
      ASSERT_TRUE(regression.append(more, targets_at(more)));
      succeeded = !device->struck();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
      device->plan({});
      EXPECT_EQ(regression.observations(), kObservations);
      expect_moments(before, 0);
      ASSERT_TRUE(regression.append(more, targets_at(more)));
    }
    expect_moments(after, 1e-9);
  }
}

TEST_F(RegressionFaults, NothingThatTheHostKnowsComesBack) {
  regression.set_data(points, targets);
  ASSERT_TRUE(regression.factorize(kTheta));
  device->plan({});
  ASSERT_TRUE(regression.factorize(kTheta));
  // What is known of a factorization comes with one wait.
  EXPECT_EQ(device->traffic().waits, 1);
  EXPECT_LE(device->traffic().downloaded_bytes, 600);
  device->plan({});
  ASSERT_TRUE(regression.append(random_points(1, 5), std::vector<double>{0.5}));
  EXPECT_EQ(device->traffic().waits, 1);
  EXPECT_LE(device->traffic().downloaded_bytes, 600);
  device->plan({});
  (void)regression.leave_one_out();
  EXPECT_EQ(device->traffic().waits, 1);
  EXPECT_EQ(device->traffic().downloaded_bytes, 2 * 8 * (kObservations + 1));
  device->plan({});
  (void)regression.log_marginal_likelihood();
  EXPECT_EQ(device->traffic().waits, 1);
  EXPECT_EQ(device->traffic().downloaded_bytes, 8 * (kObservations + 1));
}

// G6, G8: a prediction is made on the CPU where the device fails, and the regression stays there.
TEST_F(RegressionFaults, G6_G8_PredictionsGoOnOnTheCpu) {
  const Moments right = expected(points);
  for (const bool lost : {false, true}) {
    for (std::int64_t k = 0;; ++k) {
      ASSERT_LT(k, 100);
      device->plan({});
      regression = Regression(device, default_settings(kDimensions));
      regression.set_data(points, targets);
      Faults faults;
      (lost ? faults.lost_at_call : faults.failing_allocation) = k;
      device->plan(faults);
      const Moments found = with_cpu_reserve(regression, [&](Regression& any) {
        if (!any.factorize(kTheta)) throw Error(ErrorCode::internal, "no factor");
        return predict(any, queries);
      });
      EXPECT_EQ(found.mean, right.mean);
      EXPECT_EQ(found.variance, right.variance);
      EXPECT_EQ(device->traffic().calls_after_loss, 0);
      EXPECT_EQ(regression.backend()->name(), device->struck() ? "cpu" : "cuda:0");
      if (!device->struck()) break;
    }
  }
}

TEST_F(RegressionFaults, G6_WhatTheCallerDidWrongAndTheCpuAreNotRetried) {
  regression.set_data(points, targets);
  int calls = 0;
  const auto wrong = [&](Regression&) -> int {
    ++calls;
    throw Error(ErrorCode::invalid_argument, "wrong");
  };
  EXPECT_THROW(with_cpu_reserve(regression, wrong), Error);
  regression = regression.on(backend::make_cpu_backend());
  const auto exhausted = [&](Regression&) -> int {
    ++calls;
    throw Error(ErrorCode::resource_exhausted, "full");
  };
  EXPECT_THROW(with_cpu_reserve(regression, exhausted), Error);
  EXPECT_EQ(calls, 2);
}

// G3 in a joint sample: the covariance's factor.
TEST_P(RegressionFaults, G3_AJointSampleIsFinite) {
  regression.set_data(points, targets);
  ASSERT_TRUE(regression.factorize(kTheta));
  Faults faults;
  faults.wrong_factorization = 0;
  faults.wrong = GetParam();
  device->plan(faults);
  for (const double value : joint_sample(regression, queries, 5, 1)) EXPECT_TRUE(std::isfinite(value));
  EXPECT_TRUE(device->struck());
}

TEST_F(RegressionFaults, FittedMeansAreThePosteriorAtTheData) {
  regression.set_data(points, targets);
  ASSERT_TRUE(regression.factorize({std::log(0.5), std::log(0.6), std::log(0.7), std::log(0.1)}));
  const Moments moments = predict(regression, points);
  const std::vector<double> fitted = regression.fitted_means();
  for (std::size_t i = 0; i < fitted.size(); ++i) EXPECT_NEAR(fitted[i], moments.mean[i], 1e-12);
}

}  // namespace
}  // namespace warpbo::gp
