#include "gp/additive.hpp"

#include "gp/additive_basis.hpp"
#include "math/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

namespace warpbo::gp {
namespace {

AdditiveColumn numeric(std::int64_t places = 513) {
  AdditiveColumn out{false, true, {}};
  for (std::int64_t p = 0; p < places; ++p) out.places.push_back(static_cast<double>(p) / static_cast<double>(places - 1));
  return out;
}

AdditiveColumn levels(std::vector<double> places, bool categorical) { return {categorical, false, std::move(places)}; }

std::vector<double> uniform_points(std::size_t n, std::size_t d) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t c = 0; c < d; ++c) out.push_back(math::philox_uniform(11, 0, i, c));
  return out;
}

struct Fitted {
  std::vector<double> points, targets;
  std::optional<AdditiveModel> model;
  [[nodiscard]] double leave_one_out_r2() const {
    const std::vector<double> predicted = model->leave_one_out();
    double mean = 0, residual = 0, total = 0;
    for (const double y : targets) mean += y / static_cast<double>(targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      residual += (targets[i] - predicted[i]) * (targets[i] - predicted[i]);
      total += (targets[i] - mean) * (targets[i] - mean);
    }
    return 1 - residual / total;
  }
};

using Function = std::function<double(const double*)>;

Fitted fit(std::vector<AdditiveColumn> columns, std::vector<double> points, const Function& function,
           AdditiveTerms terms = {}) {
  const std::size_t d = columns.size();
  Fitted out{std::move(points), {}, {}};
  for (std::size_t at = 0; at < out.points.size(); at += d) out.targets.push_back(function(out.points.data() + at));
  out.model = AdditiveModel::fit(backend::make_cpu_backend(), std::move(columns), terms, out.points, out.targets);
  if (out.model) out.model->refine();
  return out;
}

/// Eight periods on a bowl, as of a Rastrigin function.
double ripples(double x, double best) {
  return 30 * (x - best) * (x - best) + 1 - std::cos(16 * std::numbers::pi * (x - best));
}

TEST(AdditiveBasis, PolynomialsCosinesAndIndicators) {
  const AdditiveBasis basis(std::vector{numeric(), levels({0, 1, 2}, true)}, {4, 9});
  EXPECT_EQ(basis.size(), 1 + 4 + 9 + 3);
  const std::vector<double> features = basis.matrix(std::vector<double>{0.3, 2});
  EXPECT_EQ(features[0], 1);
  EXPECT_NEAR(features[1], std::sqrt(3.0) * -0.4, 1e-15);
  EXPECT_NEAR(features[2], std::sqrt(5.0) * (6 * 0.09 - 6 * 0.3 + 1), 1e-15);
  EXPECT_NEAR(features[3], std::sqrt(7.0) * (((20 * 0.3 - 30) * 0.3 + 12) * 0.3 - 1), 1e-15);
  EXPECT_NEAR(features[4], 3 * ((((70 * 0.3 - 140) * 0.3 + 90) * 0.3 - 20) * 0.3 + 1), 1e-15);
  for (int j = 1; j <= 9; ++j)
    EXPECT_NEAR(features[static_cast<std::size_t>(4 + j)], std::numbers::sqrt2 * std::cos(std::numbers::pi * j * 0.3), 1e-13);
  EXPECT_EQ((std::vector<double>{features.end() - 3, features.end()}), (std::vector<double>{0, 0, 1}));
}

// A hundred and fifty points in six dimensions: ripples of eight periods are there to be seen in the sum, and nowhere else.
TEST(AdditiveModel, FindsTheMinimumOfASumOfRipples) {
  const std::size_t d = 6;
  const auto best = [](std::size_t c) { return 0.25 + 0.08 * static_cast<double>(c); };
  const Fitted fitted = fit(std::vector<AdditiveColumn>(d, numeric()), uniform_points(150, d), [&](const double* x) {
    double sum = 1000;
    for (std::size_t c = 0; c < d; ++c) sum += ripples(x[c], best(c));
    return sum;
  });
  ASSERT_TRUE(fitted.model);
  EXPECT_GT(fitted.leave_one_out_r2(), 0.99);
  const std::vector<double> found = fitted.model->minimizers(std::vector<double>{0.0, 1.0}, 5);
  ASSERT_EQ(found.size(), 2 * d);
  for (std::size_t c = 0; c < d; ++c) EXPECT_NEAR(found[c], best(c), 0.01) << c;
  EXPECT_NEAR(fitted.model->mean(std::span(found).first(d)).front(), 1000, 2);
}

TEST(AdditiveModel, AProductOfColumnsIsNoSum) {
  const Fitted fitted =
      fit({numeric(), numeric()}, uniform_points(60, 2), [](const double* x) { return (x[0] - 0.5) * (x[1] - 0.5); });
  ASSERT_TRUE(fitted.model);
  EXPECT_LT(fitted.leave_one_out_r2(), 0.3);
}

TEST(AdditiveModel, LevelsAndCategories) {
  const std::vector<double> places = {0.1, 0.5, 0.9};
  std::vector<double> points;
  for (std::uint64_t i = 0; i < 40; ++i) {
    points.push_back(places[static_cast<std::size_t>(3 * math::philox_uniform(2, 0, i, 0))]);
    points.push_back(std::floor(4 * math::philox_uniform(2, 0, i, 1)));
    points.push_back(math::philox_uniform(2, 0, i, 2));
  }
  const double by_category[] = {3, 1, 7, 2};
  const Fitted fitted = fit({levels(places, false), levels({0, 1, 2, 3}, true), numeric()}, points, [&](const double* x) {
    return std::fabs(x[0] - 0.9) + by_category[static_cast<std::size_t>(x[1])] + (x[2] - 1) * (x[2] - 1);
  });
  ASSERT_TRUE(fitted.model);
  const std::vector<double> found = fitted.model->minimizers(std::vector<double>{0.0}, 1);
  EXPECT_EQ(found[0], 0.9);
  EXPECT_EQ(found[1], 1);
  EXPECT_GT(found[2], 0.98);
}

TEST(AdditiveModel, NoiseIsSeenAsNoise) {
  const Fitted fitted = fit(std::vector<AdditiveColumn>(3, numeric()), uniform_points(120, 3), [](const double* x) {
    return x[0] + x[1] * x[1] + 0.2 * math::philox_normal(1, 0, static_cast<std::uint64_t>(1e9 * x[0]), 0);
  });
  double mean = 0, variance = 0;
  for (const double y : fitted.targets) mean += y / 120;
  for (const double y : fitted.targets) variance += (y - mean) * (y - mean) / 120;
  EXPECT_NEAR(fitted.model->prior().noise * variance, 0.04, 0.015);
}

// Levy's terms: ripples under a growing parabola, flat at neither end. Cosines and a parabola leave a residual.
TEST(AdditiveModel, PolynomialsTakeWhatCosinesCannot) {
  const std::size_t d = 4;
  const auto function = [](const double* x) {
    double sum = 0;
    for (std::size_t c = 0; c < d; ++c) {
      const double w = 5 * (x[c] - 0.3 - 0.1 * static_cast<double>(c));
      sum += w * w * (1 + 10 * std::pow(std::sin(std::numbers::pi * w + 1), 2));
    }
    return sum;
  };
  const auto worst = [&](AdditiveTerms terms) {
    const Fitted fitted = fit(std::vector<AdditiveColumn>(d, numeric()), uniform_points(400, d), function, terms);
    const std::vector<double> best = fitted.model->minimizers(std::vector<double>{0}, 1);
    double out = 0;
    for (std::size_t c = 0; c < d; ++c) out = std::max(out, std::fabs(best[c] - 0.3 - 0.1 * static_cast<double>(c)));
    return out;
  };
  EXPECT_LT(worst({16, 32}), 1e-5);
  EXPECT_GT(worst({2, 46}), 2e-5);
}

// The spectrum is fitted too: what it makes of pure noise must not look like a prediction.
TEST(AdditiveModel, LeavingOneOutDoesNotBelieveNoise) {
  for (const std::size_t d : {std::size_t{2}, std::size_t{5}}) {
    double sum = 0;
    for (std::uint64_t repeat = 0; repeat < 6; ++repeat) {
      std::uint64_t i = 0;
      const Fitted fitted = fit(std::vector<AdditiveColumn>(d, numeric(33)), uniform_points(60, d),
                                [&](const double*) { return math::philox_normal(repeat, 5, i++, 0); });
      sum += fitted.leave_one_out_r2() / 6;
    }
    EXPECT_LT(sum, 0.1) << d;
  }
}

TEST(AdditiveModel, RefiningNeverLosesEvidence) {
  const std::vector<double> points = uniform_points(40, 3);
  std::vector<double> targets;
  for (std::size_t i = 0; i < 40; ++i) targets.push_back(std::sin(9 * points[3 * i]) + points[3 * i + 1] * points[3 * i + 2]);
  auto model =
      AdditiveModel::fit(backend::make_cpu_backend(), std::vector<AdditiveColumn>(3, numeric()), {2, 16}, points, targets);
  ASSERT_TRUE(model);
  double sum = 0;
  for (const double share : model->prior().spectrum) sum += share;
  EXPECT_NEAR(sum, 1, 1e-6);
  for (int i = 0; i < 3; ++i) {
    const double before = model->log_evidence();
    model->refine();
    EXPECT_GE(model->log_evidence(), before);
  }
}

TEST(AdditiveModel, TheSameAtEveryScale) {
  const std::vector<double> points = uniform_points(50, 2);
  std::vector<double> found;
  for (const double scale : {1e-300, 1.0, 1e300}) {
    const Fitted fitted = fit({numeric(), numeric()}, points, [&](const double* x) {
      return scale * ((x[0] - 0.3) * (x[0] - 0.3) + (x[1] - 0.6) * (x[1] - 0.6));
    });
    ASSERT_TRUE(fitted.model);
    const std::vector<double> minimum = fitted.model->minimizers(std::vector<double>{0.0}, 1);
    EXPECT_NEAR(minimum[0], 0.3, 0.01) << scale;
    EXPECT_NEAR(minimum[1], 0.6, 0.01) << scale;
  }
}

TEST(AdditiveModel, ConstantTargetsAndOnePoint) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{9}}) {
    const Fitted fitted = fit({numeric(), numeric()}, uniform_points(n, 2), [](const double*) { return 4.0; });
    ASSERT_TRUE(fitted.model);
    for (const double x : fitted.model->minimizers(std::vector<double>{0.0, 1.0}, 1)) EXPECT_TRUE(x >= 0 && x <= 1);
    EXPECT_NEAR(fitted.model->mean(std::vector<double>{0.4, 0.4}).front(), 4, 1e-6);
  }
}

}  // namespace
}  // namespace warpbo::gp
