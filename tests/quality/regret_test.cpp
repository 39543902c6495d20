#include "math/philox.hpp"
#include "problems/problems.hpp"

#include <warpbo/gaussian_process.hpp>
#include <warpbo/study.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

namespace warpbo {
namespace {

/// The best trial of one run with the default strategy; `initial` of its trials are the design, 0 for its own choice.
Trial run(const problems::Problem& problem, int trials, int batch, std::uint64_t seed, int initial = 0) {
  StudyOptions options;
  options.sampler.seed = seed;
  options.sampler.initial_trials = initial;
  options.sampler.device = Device::cpu();
  Study study = Study::create(problem.name, problem.space, options);
  for (int told = 0; told < trials;) {
    for (const Trial& trial : study.ask(std::min(batch, trials - told))) {
      study.tell(trial, problem(trial.parameters));
      ++told;
    }
  }
  return study.best();
}

/// Final regrets over seeds 0, 1, ..., sorted.
std::vector<double> regrets(const problems::Problem& problem, int trials, int batch, std::uint64_t seeds, int initial = 0) {
  std::vector<double> out;
  for (std::uint64_t seed = 0; seed < seeds; ++seed)
    out.push_back(problem.regret(*run(problem, trials, batch, seed, initial).value));
  std::sort(out.begin(), out.end());
  std::cout << problem.name << ", " << trials << " trials in batches of " << batch << ": regrets";
  for (const double regret : out) std::cout << ' ' << regret;
  std::cout << '\n';
  return out;
}

double median(const std::vector<double>& sorted) {
  const std::size_t n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
}

TEST(Quality, SlowBranin) { EXPECT_LE(median(regrets(problems::branin(), 40, 1, 10)), 1e-3); }

TEST(Quality, SlowHartmann6) {
  const std::vector<double> sorted = regrets(problems::hartmann6(), 100, 1, 20);
  EXPECT_LE(median(sorted), 3e-4);
  EXPECT_LE(std::count_if(sorted.begin(), sorted.end(), [](double regret) { return regret > 0.05; }), 3);
}

/// The regret of the trial that a Gaussian process of all trials takes for the best.
double noisy_regret(const problems::Problem& problem, double noise, int trials, std::uint64_t seed) {
  StudyOptions options;
  options.sampler.seed = seed;
  options.sampler.noise = Noise::noisy;
  options.sampler.device = Device::cpu();
  Study study = Study::create(problem.name, problem.space, options);
  std::vector<double> points, values, regrets;
  for (int i = 0; i < trials; ++i) {
    const Trial trial = study.ask();
    const double value = problem(trial.parameters);
    for (const auto& [name, coordinate] : trial.parameters) points.push_back(std::get<double>(coordinate));
    values.push_back(value + noise * math::philox_normal(seed, 99, static_cast<std::uint64_t>(i), 0));
    regrets.push_back(problem.regret(value));
    study.tell(trial, values.back());
  }
  GaussianProcessOptions model;
  model.dimensions = static_cast<int>(points.size() / values.size());
  model.device = Device::cpu();
  const std::vector<double> mean = GaussianProcess::fit(points, values, model).predict(points).mean;
  return regrets[static_cast<std::size_t>(std::min_element(mean.begin(), mean.end()) - mean.begin())];
}

// With expected improvement in the trust region and points that may be repeated the median of 100 seeds is 0.10, now 0.04.
TEST(Quality, SlowHartmann6WithDeclaredNoise) {
  std::vector<double> sorted;
  for (std::uint64_t seed = 0; seed < 30; ++seed) sorted.push_back(noisy_regret(problems::hartmann6(), 0.1, 100, seed));
  std::sort(sorted.begin(), sorted.end());
  std::cout << "median " << median(sorted) << '\n';
  EXPECT_LE(median(sorted), 0.07);
}

TEST(Quality, SlowHartmann6InBatchesOfEight) { EXPECT_LE(median(regrets(problems::hartmann6(), 96, 8, 20)), 0.02); }

TEST(Quality, SlowShiftedAckley5) { EXPECT_LE(median(regrets(problems::ackley(5), 100, 1, 10)), 0.5); }

TEST(Quality, SlowShiftedLevy10) { EXPECT_LE(median(regrets(problems::levy(10), 100, 1, 10)), 6.0); }

// Orders of magnitude, where targets are seen as their logarithm; without it the medians are 8 and 14.
TEST(Quality, SlowShiftedRosenbrock5) { EXPECT_LE(median(regrets(problems::rosenbrock(5), 100, 1, 10)), 7.0); }
TEST(Quality, SlowShiftedPowell8) { EXPECT_LE(median(regrets(problems::powell(8), 100, 1, 10)), 2.0); }

// Ripples along the axes, which main effects resolve (without them the median is 11), and ripples that they do not.
TEST(Quality, SlowShiftedRastrigin5) { EXPECT_LE(median(regrets(problems::rastrigin(5), 100, 1, 10)), 1.0); }
TEST(Quality, SlowRotatedRastrigin5) { EXPECT_LE(median(regrets(problems::rotated_rastrigin(5), 100, 1, 10)), 18.0); }

// Batches of a hundred, 1,100 trials; TuRBO-1's own code ends at 4.6 and 9.6.
TEST(Quality, SlowShiftedAckley20InBatchesOfAHundred) {
  EXPECT_LE(median(regrets(problems::ackley(20), 1100, 100, 3, 100)), 3.5);
}
TEST(Quality, SlowShiftedLevy20InBatchesOfAHundred) { EXPECT_LE(median(regrets(problems::levy(20), 1100, 100, 3, 100)), 0.5); }

// TuRBO-1's own code: 104; without main effects 96.
TEST(Quality, SlowShiftedRastrigin20InBatchesOfAHundred) {
  EXPECT_LE(median(regrets(problems::rastrigin(20), 1100, 100, 3, 100)), 10.0);
}

// One round of a thousand after a thousand quasi-random trials; without main effects 5.
TEST(Quality, SlowShiftedLevy20InOneBatchOfAThousand) {
  EXPECT_LE(median(regrets(problems::levy(20), 2000, 1000, 3, 1000)), 0.5);
}

// TuRBO-1's own code: 5,300; without the logarithm 2,000.
TEST(Quality, SlowShiftedRosenbrock20InBatchesOfAHundred) {
  EXPECT_LE(median(regrets(problems::rosenbrock(20), 1100, 100, 3, 100)), 700.0);
}

TEST(Quality, SlowMixedSpaceFindsTheBestCategories) {
  const problems::Problem problem = problems::mixed();
  int found = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Trial best = run(problem, 80, 1, seed);
    bool same = true;
    for (const auto& [name, value] : problem.argmin)
      if (std::holds_alternative<std::string>(value)) same = same && best.parameters.at(name) == value;
    found += same ? 1 : 0;
  }
  EXPECT_GE(found, 9);
}

}  // namespace
}  // namespace warpbo
