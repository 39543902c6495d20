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

// N7: the same shape at every scale a double can hold.
TEST(Warp, N7_ScaleAndOffsetDoNotMatter) {
  const std::vector<double> base = {1, 2, 4, 3, 7, 5, 100};
  const std::vector<double> expected = warped_targets(base, true);
  expect_standardized(expected);
  for (const double scale : {1e-300, 1e-12, 1e12, 1e300}) {
    std::vector<double> scaled;
    for (const double y : base) scaled.push_back(y * scale);
    const std::vector<double> got = warped_targets(scaled, true);
    for (std::size_t i = 0; i < base.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-9) << scale;
  }
}

// N9: one wild outlier leaves the others distinguishable.
TEST(Warp, N9_AnOutlierCostsLittleResolution) {
  const std::vector<double> got = warped_targets(std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5, 1e50}, true);
  expect_standardized(got);
  for (std::size_t i = 0; i + 2 < got.size(); ++i) EXPECT_GT(got[i + 1] - got[i], 1e-3);
  EXPECT_GT(got[5], got[4]);
}

TEST(Warp, KeepsTheOrder) {
  const std::vector<double> targets = {5, -3, 2, 2.5, 900, 31, 0, -3.5, 4};
  const std::vector<double> got = warped_targets(targets, true);
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (std::size_t j = 0; j < targets.size(); ++j) EXPECT_EQ(targets[i] < targets[j], got[i] < got[j]);
}

// N6: constant targets carry no information: zeros, no division by zero.
TEST(Warp, N6_ConstantTargetsBecomeZeros) {
  for (const double value : {0.0, 5.0, -1e300, 1e-310})
    for (const double v : warped_targets(std::vector<double>(6, value), true)) EXPECT_NEAR(v, 0, 1e-9);
}

// N8: what is left of the spread beside a large offset is used, and nothing fails.
TEST(Warp, N8_AHugeOffsetLosesDigitsButNothingElse) {
  const std::vector<double> got = warped_targets(std::vector<double>{1e16, 1e16 + 2, 1e16 + 4}, true);
  for (const double v : got) EXPECT_TRUE(std::isfinite(v));
  EXPECT_LE(got[0], got[2]);
}

TEST(Standardization, InvertsItself) {
  const Standardization standard = Standardization::of(std::vector<double>{3, 8, -2});
  EXPECT_NEAR(standard.backward(standard.forward(1.25)), 1.25, 1e-12);
}

}  // namespace
}  // namespace warpbo::gp
