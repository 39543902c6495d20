// A search that also chooses the map of the targets, by the evidence.
#include "gp/fit.hpp"
#include "gp/warp.hpp"
#include "math/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace warpbo::gp {
namespace {

constexpr std::size_t kDimensions = 3;

/// Observations of a function of three coordinates, seen through some maps.
struct Data {
  std::vector<double> points;
  std::vector<WarpedTargets> targets;

  Data(std::size_t n, const std::function<double(double)>& of_wave) {
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i) {
      double wave = 0;
      for (std::size_t k = 0; k < kDimensions; ++k) {
        points.push_back(math::philox_uniform(7, 0, i, k));
        wave += std::sin(4 * points.back() + static_cast<double>(k));
      }
      values.push_back(of_wave(wave));
    }
    for (const Warp& warp : {Warp{}, Warp{Warp::Kind::logarithm, 1}, Warp{Warp::Kind::logarithm, 0.01}})
      targets.push_back(warp_targets(values, warp));
  }

  /// With the first map alone, or with others to choose from.
  [[nodiscard]] FitTask task(bool alternatives) const {
    FitTask task{default_settings(kDimensions), points, targets[0].values, {}, {}, targets[0].log_slopes};
    for (std::size_t k = 1; alternatives && k < targets.size(); ++k)
      task.alternatives.push_back({targets[k].values, targets[k].log_slopes});
    return task;
  }
};

FitReport fit_one(const FitTask& task) {
  backend::Arena arena(backend::make_cpu_backend());
  return fit(arena, {&task, 1}).front();
}

double sum(std::span<const double> values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

// Sizes below and beyond the screening, in which maps are compared on a part of the data.
class FitAlternatives : public testing::TestWithParam<std::size_t> {};

TEST_P(FitAlternatives, AFunctionOverOrdersOfMagnitudeIsSeenAsItsLogarithm) {
  const Data data(GetParam(), [](double wave) { return std::exp(3 * wave); });
  const FitReport report = fit_one(data.task(true));
  ASSERT_NE(report.choice, 0u);
  // What comes out belongs to what was chosen: about as good as a search with nothing else, and far better than without it.
  FitTask alone = data.task(false);
  alone.targets = data.targets[report.choice].values;
  EXPECT_LT(report.value, fit_one(alone).value + 0.5);
  const double evidence = report.value - sum(data.targets[report.choice].log_slopes);
  const double before = fit_one(data.task(false)).value - sum(data.targets[0].log_slopes);
  EXPECT_LT(evidence, before - 0.2 * static_cast<double>(GetParam()));
}

TEST_P(FitAlternatives, ASmoothOneIsLeftAsItIs) {
  const Data data(GetParam(), [](double wave) { return wave; });
  const FitReport report = fit_one(data.task(true));
  EXPECT_EQ(report.choice, 0u);
  const FitReport alone = fit_one(data.task(false));
  EXPECT_EQ(report.theta, alone.theta);
  EXPECT_EQ(report.value, alone.value);
}

// The same values, said to be steeper: the log evidence is better by exactly that per observation.
TEST_P(FitAlternatives, AnAlternativeHasToLeadByTheGainAskedFor) {
  const Data data(GetParam(), [](double wave) { return wave; });
  for (const double gain : {0.15, 0.25}) {
    std::vector<double> steeper = data.targets[0].log_slopes;
    for (double& slope : steeper) slope += gain;
    FitTask task = data.task(false);
    task.options.least_gain = 0.2;
    task.options.max_rounds = 200;  // until nothing is left to gain
    task.alternatives.push_back({data.targets[0].values, steeper});
    EXPECT_EQ(fit_one(task).choice, gain > 0.2 ? 1u : 0u) << gain;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, FitAlternatives, testing::Values(std::size_t{30}, std::size_t{70}, std::size_t{300}));

TEST(FitAlternatives, EachOfManyChoosesAsItWouldAlone) {
  const Data rough(40, [](double wave) { return std::exp(3 * wave); }), smooth(38, [](double wave) { return wave; });
  const std::vector<FitTask> tasks = {rough.task(true), smooth.task(true), smooth.task(false), rough.task(false)};
  backend::Arena arena(backend::make_cpu_backend());
  const std::vector<FitReport> together = fit(arena, tasks);
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const FitReport alone = fit_one(tasks[t]);
    EXPECT_EQ(together[t].choice, alone.choice) << t;
    EXPECT_EQ(together[t].theta, alone.theta) << t;
  }
  EXPECT_NE(together[0].choice, 0u);
}

// A map that gives nonsense is not chosen, and spoils nothing.
TEST(FitAlternatives, ABrokenAlternativeIsLeftOut) {
  const Data data(30, [](double wave) { return wave; });
  std::vector<double> broken = data.targets[1].values;
  broken[4] = NAN;
  FitTask task = data.task(false);
  task.alternatives.push_back({broken, data.targets[1].log_slopes});
  const FitReport report = fit_one(task);
  EXPECT_EQ(report.choice, 0u);
  EXPECT_EQ(report.theta, fit_one(data.task(false)).theta);
}

}  // namespace
}  // namespace warpbo::gp
