#include "problems/problems.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace warpbo::problems {
namespace {

std::vector<Problem> all_problems() {
  std::vector<Problem> problems = {branin(),
                                   hartmann3(),
                                   hartmann6(),
                                   shekel(5),
                                   shekel(7),
                                   shekel(10),
                                   michalewicz(2),
                                   michalewicz(5),
                                   michalewicz(10),
                                   ackley(5),
                                   levy(10),
                                   rosenbrock(5),
                                   rastrigin(5),
                                   styblinski_tang(4),
                                   mixed(),
                                   narrow_ackley(20),
                                   griewank(5),
                                   schwefel(4),
                                   dixon_price(6),
                                   powell(8),
                                   rotated_rastrigin(5),
                                   rotated_ellipsoid(6),
                                   rotated_ackley(3),
                                   embedded_hartmann6(25)};
  for (int d : {1, 2, 7}) {
    problems.push_back(ackley(d, Shift::none));
    problems.push_back(levy(d, Shift::none));
    problems.push_back(rastrigin(d, Shift::none));
    problems.push_back(styblinski_tang(d, Shift::none));
    if (d > 1) problems.push_back(rosenbrock(d, Shift::none));
  }
  return problems;
}

TEST(Problems, OptimumIsAttainedInsideTheSpace) {
  for (const Problem& problem : all_problems()) {
    SCOPED_TRACE(problem.name);
    EXPECT_EQ(problem.space.check(problem.argmin), std::nullopt);
    EXPECT_NEAR(problem(problem.argmin), problem.optimum, 1e-9 * (1 + std::fabs(problem.optimum)));
  }
}

// Nothing nearby and nothing drawn at random is better.
TEST(Problems, NothingIsBetterThanTheOptimum) {
  std::mt19937_64 random(1);
  for (const Problem& problem : all_problems()) {
    SCOPED_TRACE(problem.name);
    for (int trial = 0; trial < 4000; ++trial) {
      Parameters parameters = problem.argmin;
      for (const ParameterSpec& spec : problem.space.parameters()) {
        if (spec.kind != ParameterKind::real) continue;
        const double uniform = std::uniform_real_distribution<double>(spec.low, spec.high)(random);
        const double near = parameters.get<double>(spec.name) + 1e-3 * (uniform - 0.5 * (spec.low + spec.high));
        parameters.set(spec.name, trial % 2 == 0 ? uniform : std::min(std::max(near, spec.low), spec.high));
      }
      ASSERT_GE(problem(parameters), problem.optimum - 1e-9 * (1 + std::fabs(problem.optimum)));
    }
  }
}

TEST(Problems, PublishedOptima) {
  EXPECT_NEAR(branin().optimum, 0.397887, 1e-6);
  EXPECT_NEAR(hartmann3().optimum, -3.86278, 1e-5);
  EXPECT_NEAR(hartmann6().optimum, -3.32237, 1e-5);
  EXPECT_NEAR(michalewicz(2).optimum, -1.8013, 1e-4);
  EXPECT_NEAR(michalewicz(5).optimum, -4.687658, 1e-6);
  EXPECT_NEAR(michalewicz(10).optimum, -9.66015, 1e-5);
  EXPECT_NEAR(shekel(5).optimum, -10.1532, 1e-4);
  EXPECT_NEAR(shekel(7).optimum, -10.4029, 1e-4);
  EXPECT_NEAR(shekel(10).optimum, -10.5364, 1e-4);
  EXPECT_NEAR(styblinski_tang(3).optimum, -39.16617 * 3, 1e-4);
}

// A rotation leaves distances from the optimum as they are: the ellipsoid's values along its axes are those of its condition.
TEST(Problems, RotationKeepsLengthsAndMixesCoordinates) {
  const Problem problem = rotated_ellipsoid(4);
  double trace = 0;
  for (const auto& [name, value] : problem.argmin) {
    Parameters moved = problem.argmin;
    moved.set(name, std::get<double>(value) + 0.5);
    const double along = problem(moved) / 0.25;
    EXPECT_GT(along, 1 + 1e-3);
    EXPECT_LT(along, 1e4 - 1e-3);
    trace += along;
  }
  EXPECT_NEAR(trace, 1 + std::pow(1e4, 1.0 / 3) + std::pow(1e4, 2.0 / 3) + 1e4, 1e-6);
}

TEST(Problems, OnlySixCoordinatesOfTheEmbeddedFunctionMatter) {
  const Problem problem = embedded_hartmann6(100);
  int matter = 0;
  for (const auto& [name, value] : problem.argmin) {
    Parameters moved = problem.argmin;
    moved.set(name, 0.9 * std::get<double>(value) + 0.01);
    if (problem(moved) > problem.optimum + 1e-6) ++matter;
  }
  EXPECT_EQ(matter, 6);
}

TEST(Problems, BraninHasThreeMinima) {
  const Problem problem = branin();
  const double pi = std::acos(-1.0);
  for (const auto& [x, y] : {std::pair(-pi, 12.275), std::pair(pi, 2.275), std::pair(3 * pi, 2.475)}) {
    EXPECT_NEAR(problem({{"x1", x}, {"x2", y}}), problem.optimum, 1e-9);
  }
}

TEST(Problems, GoldenShiftMovesTheOptimumOffCentre) {
  const Problem problem = ackley(5);
  const double expected[] = {0.5708203932499369, 0.34164078649987375, 0.7124611797498108, 0.48328157299974764,
                             0.2541019662496845};
  for (int i = 0; i < 5; ++i) {
    const double x = problem.argmin.get<double>("x" + std::to_string(i + 1));
    EXPECT_NEAR((x + 32.768) / 65.536, expected[i], 1e-12);
  }
  EXPECT_GT(problem({{"x1", 0.0}, {"x2", 0.0}, {"x3", 0.0}, {"x4", 0.0}, {"x5", 0.0}}), 10);
}

// Brute force over a fine grid (which holds every pair's minimum): the stated optimum, and the distance of every other pair.
TEST(Problems, MixedOptimumByBruteForce) {
  const Problem problem = mixed();
  std::map<std::pair<std::string, std::string>, double> least;
  for (const char* activation : {"relu", "tanh", "gelu", "sigmoid"}) {
    for (const char* optimizer : {"sgd", "adam", "rmsprop"}) {
      double best = INFINITY;
      for (std::int64_t n = 1; n <= 1024; n = n < 8 ? n + 1 : n + n / 8) {
        for (int i = -20; i <= 20; ++i) {
          for (int j = -20; j <= 20; ++j) {
            best = std::min(best, problem({{"x", i / 10.0},
                                           {"y", j / 10.0},
                                           {"n", n},
                                           {"activation", std::string(activation)},
                                           {"optimizer", std::string(optimizer)}}));
          }
        }
      }
      least[{activation, optimizer}] = best;
    }
  }
  for (const auto& [pair, value] : least) {
    if (pair == std::pair<std::string, std::string>("gelu", "adam")) {
      EXPECT_NEAR(value, 0, 1e-12);
    } else {
      EXPECT_GE(value, 0.25 - 1e-12) << pair.first << ", " << pair.second;
    }
  }
}

}  // namespace
}  // namespace warpbo::problems
