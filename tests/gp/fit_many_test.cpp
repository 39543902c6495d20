// Searches of many data sets in one batch: each ends where it would alone.
#include "gp/fit.hpp"
#include "math/philox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace warpbo::gp {
namespace {

struct Data {
  std::vector<double> points, targets, weights;
  Settings settings;

  Data(std::size_t n, std::size_t d, std::uint64_t seed) : settings(default_settings(static_cast<std::int64_t>(d))) {
    for (std::size_t i = 0; i < n; ++i) {
      double y = 0;
      for (std::size_t k = 0; k < d; ++k) {
        points.push_back(math::philox_uniform(seed, 0, i, k));
        y += std::sin((3 + static_cast<double>(seed)) * points.back() + static_cast<double>(k));
      }
      targets.push_back(y + 0.05 * math::philox_normal(seed, 1, i, 0));
    }
  }
};

/// Sizes of several groups and within one, with what can differ between studies.
std::vector<Data> ragged() {
  std::vector<Data> sets;
  for (const std::size_t n : {1, 9, 12, 16, 12, 33, 38, 40, 300})
    sets.emplace_back(n, sets.size() % 3 == 2 ? 2 : 3, sets.size());
  sets[1].weights.assign(9, 0.5);
  sets[1].weights[4] = 1;
  sets[3].settings.fixed_noise = 1e-4;
  sets[4].settings.categorical = {0, 1, 0};
  for (std::size_t i = 1; i < sets[4].points.size(); i += 3) sets[4].points[i] = std::floor(3 * sets[4].points[i]) / 2;
  sets[6].settings.prior.noise_center = -2;
  return sets;
}

FitTask task_of(const Data& data, std::uint64_t seed) {
  FitTask task{data.settings, data.points, data.targets, data.weights, {}};
  task.options.seed = seed;
  return task;
}

std::vector<FitTask> tasks_of(const std::vector<Data>& sets) {
  std::vector<FitTask> tasks;
  for (const Data& data : sets) tasks.push_back(task_of(data, tasks.size()));
  tasks[6].options.warm = {prior_mode(sets[6].settings)};  // a refinement among cold searches
  tasks[6].options.restarts = 0;
  tasks[6].options.max_rounds = 15;
  return tasks;
}

TEST(FitMany, EachEndsWhereItWouldAlone) {
  const std::vector<Data> sets = ragged();
  const std::vector<FitTask> tasks = tasks_of(sets);
  backend::Arena arena(backend::make_cpu_backend());
  const std::vector<FitReport> together = fit(arena, tasks);
  ASSERT_EQ(together.size(), tasks.size());
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    SCOPED_TRACE("task " + std::to_string(t));
    const FitReport alone = fit(arena, {&tasks[t], 1}).front();
    EXPECT_TRUE(together[t].fitted);
    EXPECT_FALSE(together[t].stopped);
    EXPECT_EQ(together[t].theta, alone.theta);
    EXPECT_EQ(together[t].value, alone.value);
    Regression regression(backend::make_cpu_backend(), sets[t].settings);
    regression.set_data(sets[t].points, sets[t].targets, sets[t].weights);
    EXPECT_EQ(fit(regression, tasks[t].options).theta, alone.theta);
  }
  EXPECT_NEAR(together[3].theta.back(), std::log(1e-4), 1e-12) << "fixed noise stays";
}

TEST(FitMany, ABrokenOneSpoilsNoOther) {
  std::vector<Data> sets = ragged();
  const std::vector<FitReport> before = [&] {
    backend::Arena arena(backend::make_cpu_backend());
    return fit(arena, tasks_of(sets));
  }();
  sets[2].targets[5] = std::numeric_limits<double>::quiet_NaN();
  backend::Arena arena(backend::make_cpu_backend());
  const std::vector<FitReport> after = fit(arena, tasks_of(sets));
  for (std::size_t t = 0; t < sets.size(); ++t) {
    SCOPED_TRACE("task " + std::to_string(t));
    EXPECT_EQ(after[t].fitted, t != 2);
    if (t != 2) {
      EXPECT_EQ(after[t].theta, before[t].theta);
    } else {
      EXPECT_EQ(after[t].theta, prior_mode(sets[t].settings));
    }
  }
}

TEST(FitMany, G1_AStopKeepsTheBestSoFar) {
  const Data data(40, 3, 1);
  FitTask task = task_of(data, 0);
  backend::Arena arena(backend::make_cpu_backend());
  const FitReport whole = fit(arena, {&task, 1}).front();
  int asked = 0;
  task.options.stop = [&] { return ++asked >= 3; };
  const FitReport cut = fit(arena, {&task, 1}).front();
  EXPECT_TRUE(cut.stopped);
  EXPECT_TRUE(cut.fitted);
  EXPECT_LE(cut.rounds, 3);
  EXPECT_LT(whole.value, cut.value);
  task.options.stop = [] { return true; };
  const FitReport start = fit(arena, {&task, 1}).front();
  EXPECT_TRUE(start.fitted) << "the starts are evaluated in any case";
  EXPECT_LE(cut.value, start.value);
}

TEST(FitMany, AStopOfTheWholeBatchIsReported) {
  const std::vector<Data> sets = ragged();
  const std::vector<FitTask> tasks = tasks_of(sets);
  backend::Arena arena(backend::make_cpu_backend());
  for (const FitReport& report : fit(arena, tasks, [] { return true; })) {
    EXPECT_TRUE(report.stopped);
    EXPECT_FALSE(report.fitted);
  }
  int all = 0, asked = 0, stopped = 0, finished = 0;
  const std::vector<FitReport> whole = fit(arena, tasks, [&] { return ++all < 0; });
  const std::vector<FitReport> cut = fit(arena, tasks, [&] { return ++asked > all - 3; });  // within the last group
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    (cut[t].stopped ? stopped : finished) += 1;
    if (!cut[t].stopped) {
      EXPECT_EQ(cut[t].theta, whole[t].theta);
    }
  }
  EXPECT_GT(stopped, 0);
  EXPECT_GT(finished, 0);
}

TEST(FitMany, NothingToDoIsNoTrouble) {
  backend::Arena arena(backend::make_cpu_backend());
  EXPECT_TRUE(fit(arena, {}).empty());
  const Data data(5, 2, 1);
  FitTask task = task_of(data, 0);
  task.options.restarts = 0;  // and no warm start: not a single place to begin
  const FitReport report = fit(arena, {&task, 1}).front();
  EXPECT_FALSE(report.fitted);
  EXPECT_EQ(report.theta, prior_mode(data.settings));
}

}  // namespace
}  // namespace warpbo::gp
