/// The L-BFGS step on every engine against the CPU's, step by step and as whole searches. The CPU's own searches are checked
/// against known minima in tests/optimize.
#include "math/lbfgs.hpp"
#include "backend/fixture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace warpbo::backend::testing {
namespace {

/// f(problem, x, gradient).
using Function = std::function<double(std::int64_t, const std::vector<double>&, std::vector<double>&)>;

double bounded_quadratic(std::int64_t problem, const std::vector<double>& x, std::vector<double>& g) {
  double f = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = std::pow(100.0, static_cast<double>(i) / static_cast<double>(x.size()));
    const double center = -1.5 + 3 * std::fmod(0.618 * static_cast<double>(problem + 1) + 0.37 * static_cast<double>(i), 1.0);
    f += 0.5 * weight * (x[i] - center) * (x[i] - center);
    g[i] = weight * (x[i] - center);
  }
  return f;
}

double rosenbrock(std::int64_t, const std::vector<double>& x, std::vector<double>& g) {
  double f = (1 - x[0]) * (1 - x[0]);
  std::fill(g.begin(), g.end(), 0.0);
  g[0] = -2 * (1 - x[0]);
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = x[i + 1] - x[i] * x[i];
    f += 100 * a * a;
    g[i] += -400 * a * x[i];
    g[i + 1] += 200 * a;
  }
  return f;
}

/// Problems of all kinds side by side, which end in different rounds: flat (ends at once), a quadratic, a valley, a wall behind
/// which nothing is finite, one that is not finite anywhere, and one whose gradient is not.
double mixture(std::int64_t problem, const std::vector<double>& x, std::vector<double>& g) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::fill(g.begin(), g.end(), 0.0);
  switch (problem % 6) {
    case 0:
      return 3;
    case 1:
      return bounded_quadratic(problem, x, g);
    case 2:
      return rosenbrock(problem, x, g);
    case 3:
      g[0] = x[0] > 0.4 ? kNan : -1;
      return x[0] > 0.4 ? std::numeric_limits<double>::infinity() : -x[0];
    case 4:
      return problem % 4 == 0 ? kNan : -std::numeric_limits<double>::infinity();
    default:
      g.back() = kNan;
      return 1;
  }
}

/// One search on one engine.
class Search {
 public:
  Search(std::shared_ptr<Backend> backend, std::int64_t problems, std::int64_t dimensions, bool maximize,
         std::int64_t trials = 1)
      : problems_(problems),
        dimensions_(dimensions),
        trials_(trials),
        backend_(std::move(backend)),
        lower_(backend_, problems, dimensions),
        upper_(backend_, problems, dimensions),
        state_(backend_, math::lbfgs_state_size(dimensions), problems),
        queries_(backend_, problems * trials, dimensions),
        gradient_(backend_, problems * trials, dimensions),
        value_(backend_, problems * trials),
        indices_(backend_, problems),
        active_(backend_, 1),
        maximize_(maximize) {
    HostMatrix low(problems, dimensions, -1), high(problems, dimensions, 1), start(problems * trials, dimensions);
    for (std::int64_t p = 0; p < problems; ++p)
      for (std::int64_t i = 0; i < dimensions; ++i) {
        const double x = -0.9 + 1.2 * std::fmod(0.37 * static_cast<double>(p + 1) + 0.73 * static_cast<double>(i), 1.0);
        for (std::int64_t t = 0; t < trials; ++t) start(p * trials + t, i) = x;
        if ((p + i) % 11 == 10) low(p, i) = high(p, i) = x;  // fixed
      }
    lower_.upload(low);
    upper_.upload(high);
    std::vector<std::int32_t> order(static_cast<std::size_t>(problems));
    std::iota(order.begin(), order.end(), 0);
    set({HostMatrix(math::lbfgs_state_size(dimensions), problems), start, order, static_cast<std::int32_t>(problems * trials)});
  }

  struct State {
    HostMatrix state, queries;
    std::vector<std::int32_t> indices;
    std::int32_t active = 0;
  };
  void set(const State& state) {
    state_.upload(state.state);
    queries_.upload(state.queries);
    indices_.upload(state.indices);
    active_.upload(std::vector<std::int32_t>{state.active});
  }
  [[nodiscard]] State get() const { return {state_.download(), queries_.download(), fetch(indices_), fetch(active_)[0]}; }

  void step(const std::vector<double>& value, const HostMatrix& gradient) {
    value_.upload(value);
    gradient_.upload(gradient);
    LbfgsStep step;
    step.problems = problems_;
    step.dimensions = dimensions_;
    step.trials = trials_;
    step.lower = lower_.view();
    step.upper = upper_.view();
    step.state = state_.view();
    step.queries = queries_.view();
    step.indices = indices_.view();
    step.active = active_.data();
    step.maximize = maximize_;
    step.value = value_.view();
    step.gradient = gradient_.view();
    backend_->run(step);
  }

  /// Values and gradients at the rows in use; what stands in the others is no number.
  void evaluate(const Function& function, const State& at, std::vector<double>& value, HostMatrix& gradient) const {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    value.assign(static_cast<std::size_t>(problems_ * trials_), kNan);
    gradient = HostMatrix(problems_ * trials_, dimensions_, kNan);
    std::vector<double> x(static_cast<std::size_t>(dimensions_)), g(x.size());
    for (std::int64_t a = 0; a < at.active; ++a) {
      for (std::int64_t i = 0; i < dimensions_; ++i) x[static_cast<std::size_t>(i)] = at.queries(a, i);
      const double f = function(at.indices[static_cast<std::size_t>(a / trials_)], x, g);
      value[static_cast<std::size_t>(a)] = maximize_ ? -f : f;
      for (std::int64_t i = 0; i < dimensions_; ++i) gradient(a, i) = (maximize_ ? -1 : 1) * g[static_cast<std::size_t>(i)];
    }
  }

  void expect_guards() const {
    state_.expect_guards();
    queries_.expect_guards();
    gradient_.expect_guards();
  }

 private:
  std::int64_t problems_, dimensions_, trials_;
  std::shared_ptr<Backend> backend_;
  Guarded lower_, upper_, state_, queries_, gradient_;
  Buffer<double> value_;
  Buffer<std::int32_t> indices_, active_;
  bool maximize_;
};

class LbfgsTest : public Conformance {
 protected:
  std::shared_ptr<Backend> cpu_ = make_cpu_backend(1);

  static void expect_close(double a, double b, double scale, double tolerance) {
    if (std::isfinite(b))
      ASSERT_NEAR(a, b, tolerance * std::max(1.0, scale));
    else
      ASSERT_EQ(std::isnan(a) ? 0 : a, std::isnan(b) ? 0 : b);
  }

  /// Rows in use, their points, and the states of all problems.
  static void expect_same(const Search::State& a, const Search::State& b, std::int64_t trials, double tolerance) {
    ASSERT_EQ(a.active, b.active);
    for (std::int32_t row = 0; row < b.active; ++row) {
      const auto at = static_cast<std::size_t>(row / trials);
      ASSERT_EQ(a.indices[at], b.indices[at]) << "row " << row;
      for (std::int64_t i = 0; i < b.queries.columns; ++i) expect_close(a.queries(row, i), b.queries(row, i), 1, tolerance);
    }
    for (std::int64_t p = 0; p < b.state.columns; ++p) {
      double scale = 1;
      for (std::int64_t s = 0; s < b.state.rows; ++s)
        if (std::isfinite(b.state(s, p))) scale = std::max(scale, std::fabs(b.state(s, p)));
      for (std::int64_t s = 0; s < b.state.rows; ++s) {
        SCOPED_TRACE("state " + std::to_string(s) + " of problem " + std::to_string(p));
        expect_close(a.state(s, p), b.state(s, p), scale, tolerance);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }

  /// Both engines take each step from the same state, the CPU's: no rounding adds up.
  void follow(const Function& function, std::int64_t problems, std::int64_t dimensions, bool maximize, int rounds,
              std::int64_t trials = 1) {
    SCOPED_TRACE(std::to_string(problems) + " problems of " + std::to_string(dimensions) + " dimensions, " +
                 std::to_string(trials) + " trials");
    Search own(backend, problems, dimensions, maximize, trials), reference(cpu_, problems, dimensions, maximize, trials);
    std::vector<double> value;
    HostMatrix gradient;
    for (int round = 0; round < rounds; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      const Search::State before = reference.get();
      if (before.active == 0) break;
      own.set(before);
      reference.evaluate(function, before, value, gradient);
      own.step(value, gradient);
      reference.step(value, gradient);
      expect_same(own.get(), reference.get(), trials, 1e-9);
      if (HasFatalFailure()) return;
    }
    own.expect_guards();
  }
};

TEST_P(LbfgsTest, EveryStepIsTheReferences) {
  for (const std::int64_t problems : {1, 20, 21, 31, 33, 70})
    for (const std::int64_t dimensions : {1, 3, 40}) {
      if (dimensions == 40 && problems > 33) continue;
      follow(bounded_quadratic, problems, dimensions, false, 15);
      follow(rosenbrock, problems, dimensions, false, 15);
      follow(mixture, problems, dimensions, false, 30);
      if (HasFatalFailure()) return;
    }
}

TEST_P(LbfgsTest, SeveralTrialsARound) {
  for (const auto& [trials, problems, dimensions] :
       std::vector<std::array<std::int64_t, 3>>{{2, 20, 1}, {2, 33, 35}, {3, 1, 35}, {3, 21, 2}, {4, 20, 35}, {4, 33, 1}}) {
    follow(bounded_quadratic, problems, dimensions, false, 10, trials);
    follow(rosenbrock, problems, dimensions, trials == 2, 10, trials);
    follow(mixture, problems, dimensions, false, 20, trials);
    if (HasFatalFailure()) return;
  }
}

TEST_P(LbfgsTest, MaximizesTheNegative) {
  follow(rosenbrock, 5, 3, true, 30);
  follow(mixture, 33, 2, true, 40);
}

TEST_P(LbfgsTest, WholeSearchesEndWhereTheReferencesDo) {
  for (const std::int64_t dimensions : {1, 3, 40}) {
    constexpr std::int64_t kProblems = 33;
    double best[2][kProblems];
    for (const bool reference : {false, true}) {
      Search search(reference ? cpu_ : backend, kProblems, dimensions, false);
      std::vector<double> value;
      HostMatrix gradient;
      int rounds = 0;
      for (Search::State at = search.get(); at.active > 0 && rounds < 500; at = search.get(), ++rounds) {
        search.evaluate(bounded_quadratic, at, value, gradient);
        search.step(value, gradient);
      }
      EXPECT_LT(rounds, 500);
      const HostMatrix state = search.get().state;
      for (std::int64_t p = 0; p < kProblems; ++p) best[reference ? 1 : 0][p] = state(math::LbfgsLayout::kValue, p);
    }
    for (std::int64_t p = 0; p < kProblems; ++p) EXPECT_NEAR(best[0][p], best[1][p], 1e-8 * (1 + std::fabs(best[1][p])));
  }
}

// Two of three problems end in the first round, across several blocks of rows; the others move up and keep their order.
TEST_P(LbfgsTest, TheRowsThatGoOnKeepTheirOrder) {
  for (const std::int64_t problems : {7, 20, 64, 1025, 2100}) {
    SCOPED_TRACE(std::to_string(problems) + " problems");
    Search search(backend, problems, 2, false);
    const auto slope = [](std::int64_t problem, const std::vector<double>& x, std::vector<double>& g) {
      std::fill(g.begin(), g.end(), problem % 3 == 1 ? 0.25 : 0.0);
      return problem % 3 == 1 ? 0.25 * (x[0] + x[1]) + static_cast<double>(problem) : 0.0;
    };
    std::vector<double> value;
    HostMatrix gradient;
    const Search::State before = search.get();
    search.evaluate(slope, before, value, gradient);
    search.step(value, gradient);
    const Search::State after = search.get();
    ASSERT_EQ(after.active, (problems + 1) / 3);
    const math::LbfgsLayout at{2};
    for (std::int32_t row = 0; row < after.active; ++row) {
      const std::int32_t problem = 3 * row + 1;
      const double step = after.state(math::LbfgsLayout::kStep, problem);
      ASSERT_EQ(after.indices[static_cast<std::size_t>(row)], problem);
      ASSERT_EQ(after.state(math::LbfgsLayout::kValue, problem), value[static_cast<std::size_t>(problem)]);
      for (std::int64_t i = 0; i < 2; ++i) {
        const double moved = after.state(at.x() + i, problem) + step * after.state(at.direction() + i, problem);
        const bool fixed = (problem + i) % 11 == 10;
        ASSERT_DOUBLE_EQ(after.queries(row, i), fixed ? after.state(at.x() + i, problem) : std::clamp(moved, -1.0, 1.0));
      }
    }
    // Rows beyond them are nobody's: a second step must not touch the problems that have ended.
    search.evaluate(slope, after, value, gradient);
    search.step(value, gradient);
    const Search::State later = search.get();
    for (std::int64_t p = 0; p < problems; ++p)
      for (std::int64_t s = 0; p % 3 != 1 && s < later.state.rows; ++s) ASSERT_EQ(later.state(s, p), after.state(s, p));
    search.expect_guards();
  }
}

TEST_P(LbfgsTest, NothingLeftIsNothingToDo) {
  Search search(backend, 3, 2, false);
  Search::State state = search.get();
  state.active = 0;
  search.set(state);
  search.step({1, 1, 1}, HostMatrix(3, 2, 1));
  const Search::State after = search.get();
  EXPECT_EQ(after.active, 0);
  EXPECT_EQ(after.queries.data, state.queries.data);
  EXPECT_EQ(after.state.data, state.state.data);
}

INSTANTIATE_TEST_SUITE_P(Backends, LbfgsTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
