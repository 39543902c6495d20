#include "optimize/multi_start.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace warpbo::optimize {
namespace {

/// A host function of one row as an Objective; works on any backend, through its transfers.
template <class F>
Objective on_host(backend::Backend& backend, F f) {
  return
      [&backend, f](backend::ConstMatrix queries, const std::int32_t* active, backend::Vector value, backend::Matrix gradient) {
        std::int32_t count = 0;
        backend.download(&count, active, sizeof count);
        const std::int64_t p = queries.rows, d = queries.columns;
        std::vector<double> x(static_cast<std::size_t>(p * d)), g(x.size(), 0.0), v(static_cast<std::size_t>(p), 0.0);
        backend.download(x.data(), queries.data, x.size() * sizeof(double));
        for (std::int64_t a = 0; a < count; ++a) {
          std::vector<double> row, slope(static_cast<std::size_t>(d));
          for (std::int64_t k = 0; k < d; ++k) row.push_back(x[static_cast<std::size_t>(a + k * p)]);
          v[static_cast<std::size_t>(a)] = f(row, slope);
          for (std::int64_t k = 0; k < d; ++k) g[static_cast<std::size_t>(a + k * p)] = slope[static_cast<std::size_t>(k)];
        }
        backend.upload(value.data, v.data(), v.size() * sizeof(double));
        backend.upload(gradient.data, g.data(), g.size() * sizeof(double));
      };
}

double rosenbrock(const std::vector<double>& x, std::vector<double>& g) {
  double f = 0;
  std::fill(g.begin(), g.end(), 0.0);
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
    f += 100 * a * a + b * b;
    g[i] += -400 * a * x[i] - 2 * b;
    g[i + 1] += 200 * a;
  }
  return f;
}

class MultiStart : public ::testing::Test {
 protected:
  std::shared_ptr<backend::Backend> backend_ = backend::make_cpu_backend();
  backend::Arena arena_{backend_};

  std::vector<double> constant(std::int64_t problems, std::int64_t d, double value) {
    return std::vector<double>(static_cast<std::size_t>(problems * d), value);
  }
};

TEST_F(MultiStart, FindsTheMinimumOfRosenbrockFromManyStarts) {
  constexpr std::int64_t kProblems = 40, kDimensions = 6;
  std::vector<double> starts;
  for (int i = 0; i < kProblems * kDimensions; ++i) starts.push_back(-1.5 + 3.0 * std::fmod(0.618 * (i + 1), 1.0));
  MultiStartOptions options;
  options.max_rounds = 400;
  options.value_tolerance = 0;
  const auto result = multi_start(arena_, kDimensions, starts, constant(kProblems, kDimensions, -2),
                                  constant(kProblems, kDimensions, 2), on_host(*backend_, rosenbrock), options);
  int solved = 0;
  for (const double value : result.values) {
    EXPECT_LT(value, 4.5);  // the only other stationary point lies near (-1, 1, ..., 1), value about 4
    solved += value < 1e-9 ? 1 : 0;
  }
  EXPECT_GE(solved, kProblems / 2);
  EXPECT_LT(result.rounds, 400);
}

// Minimum of a convex quadratic on a box, known by hand: each coordinate at its bound or at its free optimum.
TEST_F(MultiStart, StopsExactlyAtTheBounds) {
  const std::vector<double> center = {-1.0, 0.25, 3.0};
  const auto quadratic = [&](const std::vector<double>& x, std::vector<double>& g) {
    double f = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const double weight = std::pow(100.0, static_cast<double>(k));
      f += 0.5 * weight * (x[k] - center[k]) * (x[k] - center[k]);
      g[k] = weight * (x[k] - center[k]);
    }
    return f;
  };
  const auto result = multi_start(arena_, 3, std::vector<double>{0.5, 0.5, 0.5}, constant(1, 3, 0), constant(1, 3, 1),
                                  on_host(*backend_, quadratic));
  EXPECT_EQ(result.points[0], 0.0);
  EXPECT_NEAR(result.points[1], 0.25, 1e-7);
  EXPECT_EQ(result.points[2], 1.0);
}

TEST_F(MultiStart, EqualBoundsFixAVariableAndStartsAreClamped) {
  const std::vector<double> lower = {0.5, -5, -2}, upper = {0.5, 5, 2};
  const auto result =
      multi_start(arena_, 3, std::vector<double>{9, 0, 0}, lower, upper, on_host(*backend_, rosenbrock), {.max_rounds = 300});
  EXPECT_EQ(result.points[0], 0.5);
  // With x0 = 1/2 and x2 = x1^2 what remains is 1/4 + 100 (x1 - 1/4)^2 + (1 - x1)^2, whose minimum is 1/4 + (3/4)^2 100 / 101.
  EXPECT_NEAR(result.values[0], 0.25 + 0.5625 * 100 / 101, 1e-6);
}

TEST_F(MultiStart, MaximizesWhenAsked) {
  const auto hill = [](const std::vector<double>& x, std::vector<double>& g) {
    g[0] = -2 * (x[0] - 0.3);
    return 7 - (x[0] - 0.3) * (x[0] - 0.3);
  };
  const auto result = multi_start(arena_, 1, std::vector<double>{0.9, 0.0}, constant(2, 1, 0), constant(2, 1, 1),
                                  on_host(*backend_, hill), {.maximize = true});
  for (std::size_t p = 0; p < 2; ++p) {
    EXPECT_NEAR(result.points[p], 0.3, 1e-6);
    EXPECT_NEAR(result.values[p], 7, 1e-10);
  }
}

// G1: a region where the function is not a number is left by shorter steps; a start inside it is reported as infinite and harms
// no other.
TEST_F(MultiStart, G1_NotANumberIsAWallAndABadStartIsAlone) {
  const auto wall = [](const std::vector<double>& x, std::vector<double>& g) {
    g[0] = x[0] > 0.5 ? NAN : -1;
    return x[0] > 0.5 ? NAN : -x[0];
  };
  const auto result = multi_start(arena_, 1, std::vector<double>{0.1, 0.9, 0.2}, constant(3, 1, 0), constant(3, 1, 1),
                                  on_host(*backend_, wall));
  EXPECT_NEAR(result.points[0], 0.5, 1e-3);
  EXPECT_TRUE(std::isinf(result.values[1]));
  EXPECT_NEAR(result.points[2], 0.5, 1e-3);
}

TEST_F(MultiStart, EachProblemIsIndependentOfTheOthers) {
  std::vector<double> starts;
  for (int i = 0; i < 7 * 4; ++i) starts.push_back(-1 + 2.0 * std::fmod(0.37 * (i + 1), 1.0));
  const auto all = multi_start(arena_, 4, starts, constant(7, 4, -2), constant(7, 4, 2), on_host(*backend_, rosenbrock));
  for (std::size_t p = 0; p < 7; ++p) {
    const std::span<const double> start(starts.data() + p * 4, 4);
    const auto one = multi_start(arena_, 4, start, constant(1, 4, -2), constant(1, 4, 2), on_host(*backend_, rosenbrock));
    EXPECT_EQ(one.values[0], all.values[p]);
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(one.points[k], all.points[p * 4 + k]);
  }
}

// Fewer rounds to the same minima.
TEST_F(MultiStart, SeveralTrialsARoundSaveRounds) {
  constexpr std::int64_t kProblems = 40, kDimensions = 6;
  std::vector<double> starts;
  for (int i = 0; i < kProblems * kDimensions; ++i) starts.push_back(-1.5 + 3.0 * std::fmod(0.618 * (i + 1), 1.0));
  std::vector<int> rounds, solved;
  for (const std::int64_t trials : {1, 2, 3, 4}) {
    const auto result =
        multi_start(arena_, kDimensions, starts, constant(kProblems, kDimensions, -2), constant(kProblems, kDimensions, 2),
                    on_host(*backend_, rosenbrock), {.max_rounds = 400, .trials = trials, .value_tolerance = 0});
    rounds.push_back(result.rounds);
    solved.push_back(0);
    for (const double value : result.values) {
      EXPECT_LT(value, 4.5);
      solved.back() += value < 1e-9 ? 1 : 0;
    }
    EXPECT_GE(solved.back(), kProblems / 2) << trials << " trials";
  }
  EXPECT_LT(rounds[3], rounds[0]);
  EXPECT_LT(rounds[1], rounds[0]);
}

TEST_F(MultiStart, TheBestOfTheTrialsIsTaken) {
  // f = (x - 1)^2 / 4 from 0: the first step is min(1, range / 10 / |f'|) = 0.4 along 1/2, to 0.2; twice as long is better.
  const auto valley = [](const std::vector<double>& x, std::vector<double>& g) {
    g[0] = (x[0] - 1) / 2;
    return (x[0] - 1) * (x[0] - 1) / 4;
  };
  const std::vector<double> length = {0.2, 0.2, 0.4, 0.4};
  for (std::int64_t trials = 1; trials <= 4; ++trials) {
    const auto result = multi_start(arena_, 1, std::vector<double>{0.0}, constant(1, 1, -1), constant(1, 1, 1),
                                    on_host(*backend_, valley), {.max_rounds = 2, .trials = trials});
    EXPECT_DOUBLE_EQ(result.points[0], length[static_cast<std::size_t>(trials - 1)]);
  }
}

TEST_F(MultiStart, TrialsThatAreAffordable) {
  EXPECT_EQ(affordable_trials(1, 10), 1);
  EXPECT_EQ(affordable_trials(64, 10), 4);
  EXPECT_EQ(affordable_trials(64, 20), 3);
  EXPECT_EQ(affordable_trials(64, 65), 1);
  EXPECT_EQ(affordable_trials(64, 0), 4);
}

TEST_F(MultiStart, NoProblemsIsFine) {
  const auto result = multi_start(arena_, 3, {}, {}, {}, on_host(*backend_, rosenbrock));
  EXPECT_TRUE(result.values.empty());
}

}  // namespace
}  // namespace warpbo::optimize
