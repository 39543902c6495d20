#include <warpbo/error.hpp>
#include <warpbo/gaussian_process.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace warpbo {
namespace {

std::vector<double> grid(int n) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i) x.push_back((i + 0.5) / n);
  return x;
}

std::vector<double> wave(const std::vector<double>& x, double scale = 1, double offset = 0) {
  std::vector<double> y;
  for (const double v : x) y.push_back(offset + scale * std::sin(6 * v));
  return y;
}

GaussianProcessOptions one_dimension() {
  GaussianProcessOptions options;
  options.dimensions = 1;
  options.device = Device::cpu();
  return options;
}

TEST(GaussianProcess, InterpolatesASmoothFunction) {
  const std::vector<double> x = grid(20);
  const GaussianProcess gp = GaussianProcess::fit(x, wave(x), one_dimension());
  const std::vector<double> queries = grid(33);
  const Prediction prediction = gp.predict(queries);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    EXPECT_NEAR(prediction.mean[i], std::sin(6 * queries[i]), 0.02);
    EXPECT_GE(prediction.variance[i], 0);
  }
  EXPECT_EQ(gp.observations(), 20);
  EXPECT_EQ(gp.lengthscales().size(), 1U);
}

// N7: units do not matter.
TEST(GaussianProcess, N7_PredictionsFollowTheUnitsOfTheTargets) {
  const std::vector<double> x = grid(15), queries = grid(7);
  const Prediction base = GaussianProcess::fit(x, wave(x), one_dimension()).predict(queries);
  for (const double scale : {1e-200, 1e-12, 1e12, 1e140}) {
    const GaussianProcess gp = GaussianProcess::fit(x, wave(x, scale, 3 * scale), one_dimension());
    const Prediction got = gp.predict(queries);
    for (std::size_t i = 0; i < queries.size(); ++i) EXPECT_NEAR(got.mean[i] / scale - 3, base.mean[i], 1e-6) << scale;
    EXPECT_TRUE(std::isfinite(gp.log_marginal_likelihood()));
  }
}

// N2: with one or two points the prior decides; everything is finite and uncertainty grows away from the data.
TEST(GaussianProcess, N2_OneOrTwoPointsGiveAFinitePosterior) {
  for (const std::vector<double>& x : {std::vector<double>{0.3}, std::vector<double>{0.3, 0.35}}) {
    const GaussianProcess gp = GaussianProcess::fit(x, wave(x), one_dimension());
    const Prediction prediction = gp.predict(std::vector<double>{0.3, 1.0});
    for (const double m : prediction.mean) EXPECT_TRUE(std::isfinite(m));
    EXPECT_GT(prediction.variance[1], prediction.variance[0]);
    EXPECT_GT(prediction.variance[1], 0);
  }
}

// N4: the same point with different values is noise.
TEST(GaussianProcess, N4_ContradictingDuplicatesAreNoise) {
  std::vector<double> x, y;
  for (int i = 0; i < 12; ++i) {
    x.push_back(0.1 * (i / 2));
    y.push_back(i % 2 == 0 ? 1.0 : -1.0);
  }
  const GaussianProcess gp = GaussianProcess::fit(x, y, one_dimension());
  EXPECT_GT(gp.noise_variance(), 0.3);
  EXPECT_NEAR(gp.predict(std::vector<double>{0.2}).mean[0], 0, 0.3);
}

// N5: points down to one rounding error apart.
TEST(GaussianProcess, N5_NearDuplicatesAreHarmless) {
  for (const double apart : {1e-16, 1e-12, 1e-8, 1e-6}) {
    std::vector<double> x;
    for (int i = 0; i < 30; ++i) x.push_back(0.5 + i * apart);
    const GaussianProcess gp = GaussianProcess::fit(x, wave(x), one_dimension());
    EXPECT_NEAR(gp.predict(std::vector<double>{0.5}).mean[0], std::sin(3.0), 1e-3) << apart;
  }
}

TEST(GaussianProcess, N6_ConstantTargets) {
  const std::vector<double> x = grid(10);
  const GaussianProcess gp = GaussianProcess::fit(x, std::vector<double>(10, 4.0), one_dimension());
  EXPECT_NEAR(gp.predict(std::vector<double>{0.77}).mean[0], 4.0, 1e-6);
}

// N14
TEST(GaussianProcess, N14_KnownNoiseIsUsedAndNonsenseIsRefused) {
  const std::vector<double> x = grid(20);
  GaussianProcessOptions options = one_dimension();
  options.noise_variance = 0.04;
  EXPECT_NEAR(GaussianProcess::fit(x, wave(x), options).noise_variance(), 0.04, 0.002);
  options.noise_variance = 0.0;
  const GaussianProcess exact = GaussianProcess::fit(x, wave(x), options);
  const Prediction at_data = exact.predict(x);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(at_data.mean[i], std::sin(6 * x[i]), 1e-6);
  for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    options.noise_variance = bad;
    EXPECT_THROW((void)GaussianProcess::fit(x, wave(x), options), Error);
  }
}

TEST(GaussianProcess, AppendAgreesWithTheData) {
  const std::vector<double> x = grid(20), y = wave(x);
  GaussianProcess gp = GaussianProcess::fit(std::span(x).first(15), std::span(y).first(15), one_dimension());
  gp.append(std::span(x).subspan(15), std::span(y).subspan(15));
  EXPECT_EQ(gp.observations(), 20);
  EXPECT_NEAR(gp.predict(std::vector<double>{0.9}).mean[0], std::sin(5.4), 0.05);
}

TEST(GaussianProcess, CategoricalDimensionsKnowEqualityOnly) {
  // Level 0 and level 7 share nothing, however near or far their codes are.
  std::vector<double> points, targets;
  for (int i = 0; i < 30; ++i) {
    const double level = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 7;
    const double x = i / 30.0;
    points.insert(points.end(), {x, level});
    targets.push_back(std::sin(5 * x) + (level == 1 ? 3 : 0));
  }
  GaussianProcessOptions options = one_dimension();
  options.dimensions = 2;
  options.categorical = {1};
  const GaussianProcess gp = GaussianProcess::fit(points, targets, options);
  const Prediction prediction = gp.predict(std::vector<double>{0.5, 0, 0.5, 1, 0.5, 7});
  EXPECT_NEAR(prediction.mean[0], std::sin(2.5), 0.2);
  EXPECT_NEAR(prediction.mean[1], std::sin(2.5) + 3, 0.2);
  EXPECT_NEAR(prediction.mean[2], std::sin(2.5), 0.2);
}

TEST(GaussianProcess, RefusesNonsenseAndNamesIt) {
  const auto message = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  };
  const std::vector<double> x = {0.1, 0.2, 0.3}, y = {1, 2, 3}, bad = {1, NAN, 3};
  EXPECT_NE(message([&] { (void)GaussianProcess::fit(x, bad, one_dimension()); }).find("target 1"), std::string::npos);
  EXPECT_NE(message([&] { (void)GaussianProcess::fit(bad, y, one_dimension()); }).find("point 1"), std::string::npos);
  EXPECT_NE(message([&] { (void)GaussianProcess::fit(x, {}, one_dimension()); }).find("0 targets"), std::string::npos);
  EXPECT_NE(message([&] { (void)GaussianProcess::fit(x, y, {}); }).find("dimensions"), std::string::npos);
  EXPECT_NE(message([&] { (void)GaussianProcess::fit({}, {}, one_dimension()); }).find("no observations"), std::string::npos);
}

}  // namespace
}  // namespace warpbo
