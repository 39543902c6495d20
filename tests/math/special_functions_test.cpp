#include "math/covariance.hpp"
#include "math/expected_improvement.hpp"
#include "math/sine_cosine.hpp"
#include "math/tables.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace warpbo::math::testing {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

/// |actual - expected| <= units of epsilon times the size of what is expected; tiny numbers may be flushed to 0.
void expect_relative(double actual, double expected, double units, const char* what, double at) {
  if (std::fabs(expected) < 1e-306) {
    EXPECT_LE(std::fabs(actual), 1e-305) << what << " at " << at;
    return;
  }
  EXPECT_LE(std::fabs(actual - expected), units * kEpsilon * std::fabs(expected))
      << what << " at " << at << ": " << actual << " instead of " << expected;
}

TEST(Exponential, MatchesTheTable) {
  for (const auto& row : kExponential) expect_relative(exponential(row[0]), row[1], 1.5, "exp", row[0]);
}

TEST(Exponential, StaysWithinTwoUnitsEverywhere) {
  for (double x = -706.9; x < 708.9; x += 0.0373) {
    const long double expected = std::exp(static_cast<long double>(x));
    const auto error = static_cast<double>(std::fabs((exponential(x) - expected) / expected));
    ASSERT_LE(error, 2 * kEpsilon) << "at " << x;
  }
}

TEST(Exponential, EndsOfTheRangeAndNaN) {
  EXPECT_EQ(exponential(-707.5), 0);
  EXPECT_EQ(exponential(-1e308), 0);
  EXPECT_EQ(exponential(-std::numeric_limits<double>::infinity()), 0);
  EXPECT_EQ(exponential(709.5), std::numeric_limits<double>::infinity());
  EXPECT_EQ(exponential(std::numeric_limits<double>::infinity()), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(exponential(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_EQ(exponential(0), 1);
  EXPECT_EQ(exponential(-0.0), 1);
}

TEST(SineCosine, StayWithinTheirBounds) {
  for (double x = -1e5; x < 1e5; x += 0.37313) {
    const SineCosine both = sine_cosine(x);
    ASSERT_NEAR(both.sine, static_cast<double>(std::sin(static_cast<long double>(x))), 1e-15) << "at " << x;
    ASSERT_NEAR(both.cosine, static_cast<double>(std::cos(static_cast<long double>(x))), 1e-15) << "at " << x;
  }
  for (double x = -4; x < 4; x += 0.0003713) {
    ASSERT_NEAR(sine_cosine(x).sine, static_cast<double>(std::sin(static_cast<long double>(x))), 3e-16) << "at " << x;
    ASSERT_NEAR(sine_cosine(x).cosine, static_cast<double>(std::cos(static_cast<long double>(x))), 3e-16) << "at " << x;
  }
  for (double x = 1e5; x < 1e9; x *= 1.00137)
    ASSERT_NEAR(sine_cosine(x).sine, static_cast<double>(std::sin(static_cast<long double>(x))), x < 1e6 ? 1e-15 : 2.3e-16 * x)
        << "at " << x;
}

TEST(SineCosine, EndsOfTheRangeAndNaN) {
  EXPECT_EQ(sine_cosine(0).sine, 0);
  EXPECT_EQ(sine_cosine(0).cosine, 1);
  EXPECT_LE(std::fabs(sine_cosine(1e12).sine), 1.5);
  EXPECT_TRUE(std::isfinite(sine_cosine(-1e300).cosine));
  EXPECT_TRUE(std::isnan(sine_cosine(std::numeric_limits<double>::quiet_NaN()).sine));
  EXPECT_TRUE(std::isnan(sine_cosine(std::numeric_limits<double>::infinity()).cosine));
}

TEST(Covariance, MatchesTheTable) {
  for (const auto& row : kCovariance) {
    // The exponent's own rounding grows with it: sqrt(5 r^2) or r^2/2 units.
    const double units = 6 + 2 * std::sqrt(5 * row[0]);
    expect_relative(matern52(row[0]).value, row[1], units, "matern", row[0]);
    expect_relative(matern52(row[0]).slope, row[2], units, "matern slope", row[0]);
    expect_relative(rbf(row[0]).value, row[3], 4, "rbf", row[0]);
    expect_relative(rbf(row[0]).slope, row[4], 4, "rbf slope", row[0]);
  }
  EXPECT_EQ(matern52(0).value, 1);
  EXPECT_EQ(rbf(0).value, 1);
  EXPECT_TRUE(std::isnan(matern52(std::numeric_limits<double>::quiet_NaN()).value));
}

TEST(Covariance, SlopesMatchDifferences) {
  for (const KernelFamily family : {KernelFamily::matern52, KernelFamily::rbf})
    for (const double r2 : {1e-4, 0.01, 0.3, 1.0, 5.0, 40.0}) {
      const double step = 1e-5 * r2;
      const double slope = (covariance(family, r2 + step).value - covariance(family, r2 - step).value) / (2 * step);
      EXPECT_NEAR(covariance(family, r2).slope, slope, 1e-8 * std::fabs(slope) + 3e-16 / step) << "r^2 = " << r2;
    }
}

TEST(Normal, ScaledTailsMatchTheTable) {
  for (const auto& row : kScaled) {
    expect_relative(scaled_cdf(row[0]), row[1], 6, "scaled_cdf", row[0]);
    expect_relative(scaled_improvement(row[0]), row[2], 8, "scaled_improvement", row[0]);
    expect_relative(erfcx(row[0]), 2 * scaled_cdf(std::sqrt(2.0) * row[0]), 4, "erfcx", row[0]);
  }
}

TEST(Normal, MatchesTheTable) {
  for (const auto& row : kNormal) {
    const double z = row[0];
    const double tail = 6 + 0.5 * z * z;  // the exponent z^2/2 rounds to z^2/2 units
    expect_relative(normal_pdf(z), row[1], tail, "pdf", z);
    expect_relative(normal_cdf(z), row[2], z > 0 ? 2 : tail, "cdf", z);
    if (z < 8) expect_relative(log_normal_cdf(z), row[3], z > 0 ? tail : 6, "log cdf", z);
  }
}

// The table goes to z = -6.8e7: through all three branches of Ament et al. 2023 (borders at -1 and -1/sqrt(epsilon)), where EI
// itself is 0.
TEST(ExpectedImprovement, MatchesTheTableInAllThreeRanges) {
  for (const auto& row : kNormal) {
    const double z = row[0];
    expect_relative(improvement(z), row[4], z > 0 ? 4 : 8 + 0.5 * z * z, "h", z);
    expect_relative(log_improvement(z), row[5], std::fabs(row[5]) < 0.2 ? 40 : 6, "log h", z);
    expect_relative(log_improvement_slope(z), row[6], 12, "d log h", z);
  }
}

TEST(ExpectedImprovement, DerivativesMatchDifferences) {
  for (const double incumbent : {-40.0, -3.0, -0.4, 0.2, 1.0, 6.0})
    for (const double sd : {0.5, 1.0, 2.0}) {
      const double mean = 0.3, step = 1e-5;
      const auto check = [&](auto&& function, const char* what) {
        const ImprovementValue at = function(mean, sd, incumbent);
        const double by_mean =
            (function(mean + step, sd, incumbent).value - function(mean - step, sd, incumbent).value) / (2 * step);
        const double by_sd =
            (function(mean, sd + step, incumbent).value - function(mean, sd - step, incumbent).value) / (2 * step);
        EXPECT_NEAR(at.by_mean, by_mean, 1e-8 * (1 + std::fabs(by_mean)) + 1e-10 * std::fabs(at.value))
            << what << " at " << incumbent;
        EXPECT_NEAR(at.by_sd, by_sd, 1e-7 * (1 + std::fabs(by_sd)) + 1e-10 * std::fabs(at.value))
            << what << " at " << incumbent;
      };
      check(expected_improvement, "EI");
      check(log_expected_improvement, "log EI");
    }
}

TEST(ExpectedImprovement, LogIsSmoothAndIncreasing) {
  double last = log_improvement(-1e4);
  for (double z = -1e4; z < 100; z += 0.37 + 0.01 * std::fabs(z)) {
    const double value = log_improvement(z);
    ASSERT_GE(value, last) << "at " << z;
    last = value;
  }
  EXPECT_TRUE(std::isfinite(log_improvement(-1e150)));
  EXPECT_TRUE(std::isnan(log_improvement(std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace warpbo::math::testing
