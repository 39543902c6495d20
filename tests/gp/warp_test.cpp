#include "gp/warp.hpp"

#include "gp/standardize.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace warpbo::gp {
namespace {

void expect_standardized(const std::vector<double>& values) {
  double mean = 0, square = 0;
  for (const double v : values) {
    ASSERT_TRUE(std::isfinite(v));
    mean += v / static_cast<double>(values.size());
  }
  for (const double v : values) square += (v - mean) * (v - mean) / static_cast<double>(values.size());
  EXPECT_NEAR(mean, 0, 1e-9);
  EXPECT_NEAR(square, 1, 1e-9);
}

constexpr Warp kCompressed{Warp::Kind::compressed};
constexpr Warp kLogarithm{Warp::Kind::logarithm, 0.1};

// N7: the same shape at every scale a double can hold.
TEST(Warp, N7_ScaleAndOffsetDoNotMatter) {
  const std::vector<double> base = {1, 2, 4, 3, 7, 5, 100};
  for (const Warp& warp : {kCompressed, kLogarithm}) {
    const std::vector<double> expected = warp_targets(base, warp).values;
    expect_standardized(expected);
    for (const double scale : {1e-300, 1e-12, 1e12, 1e300}) {
      std::vector<double> scaled;
      for (const double y : base) scaled.push_back(y * scale);
      const WarpedTargets got = warp_targets(scaled, warp);
      for (std::size_t i = 0; i < base.size(); ++i) {
        EXPECT_NEAR(got.values[i], expected[i], 1e-9) << scale;
        EXPECT_TRUE(std::isfinite(got.log_slopes[i])) << scale;
      }
    }
  }
}

// N9: one wild outlier leaves the others distinguishable.
TEST(Warp, N9_AnOutlierCostsLittleResolution) {
  for (const Warp& warp : {kCompressed, kLogarithm}) {
    const std::vector<double> got = warp_targets(std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5, 1e50}, warp).values;
    expect_standardized(got);
    for (std::size_t i = 0; i + 2 < got.size(); ++i) EXPECT_GT(got[i + 1] - got[i], 1e-3);
    EXPECT_GT(got[5], got[4]);
  }
}

TEST(Warp, KeepsTheOrder) {
  const std::vector<double> targets = {5, -3, 2, 2.5, 900, 31, 0, -3.5, 4};
  for (const Warp& warp : {Warp{Warp::Kind::none}, kCompressed, kLogarithm}) {
    const std::vector<double> got = warp_targets(targets, warp).values;
    for (std::size_t i = 0; i < targets.size(); ++i)
      for (std::size_t j = 0; j < targets.size(); ++j) EXPECT_EQ(targets[i] < targets[j], got[i] < got[j]);
  }
}

// N6: constant targets carry no information: zeros, no division by zero.
TEST(Warp, N6_ConstantTargetsBecomeZeros) {
  for (const Warp& warp : {kCompressed, kLogarithm})
    for (const double value : {0.0, 5.0, -1e300, 1e-310}) {
      const WarpedTargets got = warp_targets(std::vector<double>(6, value), warp);
      for (const double v : got.values) EXPECT_NEAR(v, 0, 1e-9);
      for (const double slope : got.log_slopes) EXPECT_TRUE(std::isfinite(slope));
    }
}

// N8: what is left of the spread beside a large offset is used, and nothing fails.
TEST(Warp, N8_AHugeOffsetLosesDigitsButNothingElse) {
  for (const Warp& warp : {kCompressed, kLogarithm}) {
    const std::vector<double> got = warp_targets(std::vector<double>{1e16, 1e16 + 2, 1e16 + 4, 1e16 + 8}, warp).values;
    for (const double v : got) EXPECT_TRUE(std::isfinite(v));
    EXPECT_LE(got[0], got[2]);
  }
}

// Five numbers by hand: best 0, median 2, so s = 2 and u = (y - b) / s + 1 = 1, 1.5, 2, 3, 33.
TEST(Warp, TheLogarithmIsTheFormula) {
  const std::vector<double> u = {1, 1.5, 2, 3, 33};
  const std::vector<double> got = warp_targets(std::vector<double>{0, 1, 2, 4, 64}, {Warp::Kind::logarithm, 1}).values;
  double mean = 0, square = 0;
  for (const double value : u) mean += std::log(value) / 5;
  for (const double value : u) square += (std::log(value) - mean) * (std::log(value) - mean) / 5;
  for (std::size_t i = 0; i < u.size(); ++i) EXPECT_NEAR(got[i], (std::log(u[i]) - mean) / std::sqrt(square), 1e-12);
}

// Where half of the targets are the best one there is no scale to take a logarithm on, nor where the range has no ratio to it.
TEST(Warp, WithoutAScaleTheLogarithmGivesWay) {
  for (const std::vector<double>& targets :
       {std::vector<double>{1, 1, 1, 1, 2, 9}, std::vector<double>{0, 1e-300, 2e-300, 1e300, 1e300}})
    EXPECT_EQ(warp_targets(targets, kLogarithm).values, warp_targets(targets, kCompressed).values);
}

// Between neighbours that are close the values rise by what the slopes say.
TEST(Warp, SlopesAreTheMapsDerivative) {
  std::vector<double> targets;
  for (int i = 0; i <= 3000; ++i) targets.push_back(5 + std::pow(i / 1000.0, 3));
  for (const Warp& warp : {Warp{Warp::Kind::none}, kCompressed, kLogarithm, Warp{Warp::Kind::logarithm, 1}}) {
    const WarpedTargets got = warp_targets(targets, warp);
    for (std::size_t i = 300; i + 1 < targets.size(); i += 50) {
      const double slope = (got.values[i + 1] - got.values[i - 1]) / (targets[i + 1] - targets[i - 1]);
      EXPECT_NEAR(got.log_slopes[i], std::log(slope), 2e-3) << i;
    }
  }
}

TEST(Standardization, InvertsItself) {
  const Standardization standard = Standardization::of(std::vector<double>{3, 8, -2});
  EXPECT_NEAR(standard.backward(standard.forward(1.25)), 1.25, 1e-12);
}

// Other values go through the same map: the targets themselves to where they are, what lies between them in between.
TEST(Warp, OtherValuesFollowTheTargets) {
  const std::vector<double> targets = {1, 2, 4, 3, 7, 5, 100};
  for (const Warp& warp : {Warp{Warp::Kind::none}, kCompressed, kLogarithm}) {
    const std::vector<double> expected = warp_targets(targets, warp).values, same = warp_like(targets, warp, targets);
    for (std::size_t i = 0; i < targets.size(); ++i) EXPECT_NEAR(same[i], expected[i], 1e-12);
    const double between = warp_like(targets, warp, std::vector<double>{6}).front();
    EXPECT_GT(between, expected[5]);
    EXPECT_LT(between, expected[4]);
  }
}

// A prediction may be better than every target, where the logarithm ends.
TEST(Warp, TheLogarithmOfWhatIsBetterThanTheBestIsBounded) {
  const std::vector<double> targets = {1, 2, 4, 3, 7, 5, 100};
  for (const double offset : {1.0, 0.1}) {
    const Warp warp{Warp::Kind::logarithm, offset};
    const double best = warp_targets(targets, warp).values.front();
    // The median is 3 above the best: the logarithm's argument is offset + (y - 1) / 3, a tenth of the offset at the least.
    const std::vector<double> got =
        warp_like(targets, warp, std::vector<double>{1 - 3 * 0.5 * offset, 1 - 3 * 0.9 * offset, -50});
    EXPECT_LT(got[0], best);
    EXPECT_LT(got[1], got[0]);
    EXPECT_NEAR(got[2], got[1], 1e-9);
    EXPECT_TRUE(std::isfinite(got[2]));
  }
}

}  // namespace
}  // namespace warpbo::gp
