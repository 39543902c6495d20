#include "backend/posterior_fixture.hpp"
#include "math/philox.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace warpbo::backend::testing {
namespace {

/// Paths with arbitrary numbers beside a reference; categorical columns hold the levels 0, 1, 2 (and -1 where asked for).
class PathSet {
 public:
  PathSet(std::shared_ptr<Backend> backend, const Problem& problem, std::int64_t features, std::int64_t paths, bool spread)
      : fitted_(backend, problem, 1, 0.4, 1.7),
        features_(features),
        paths_(paths),
        frequencies_(normals(features, 4 * problem.d, 1, 2.0)),
        amplitudes_(normals(2 * features, paths, 2, 0.1)),
        updates_(normals(problem.n, paths, 3, 0.3)),
        device_frequencies_(backend, frequencies_),
        device_amplitudes_(backend, amplitudes_),
        device_updates_(backend, updates_) {
    for (std::int64_t k = 0; k < problem.d; ++k) first_.push_back(static_cast<std::int32_t>(4 * k + 1));
    for (std::int64_t s = 0; s < paths; ++s) spread_.push_back(spread ? 1.5 / static_cast<double>(s + 1) : 1.0);
    device_first_ = make_buffer(backend, first_);
    if (spread) device_spread_ = make_buffer(backend, spread_);
  }

  [[nodiscard]] FourierFeatures features() const {
    return {fitted_.model().kernel, device_frequencies_.view(), device_first_.view()};
  }
  [[nodiscard]] PathModel model() const {
    return {fitted_.model(), features(), device_amplitudes_.view(), device_updates_.view(), device_spread_.view()};
  }
  [[nodiscard]] std::int64_t count() const { return paths_; }

  [[nodiscard]] long double angle(std::int64_t j, const HostMatrix& x, std::int64_t row) const {
    long double sum = 0;
    for (std::int64_t k = 0; k < x.columns; ++k) {
      const std::int64_t at = first_[static_cast<std::size_t>(k)];
      if (fitted_.problem().categorical[static_cast<std::size_t>(k)] != 0)
        sum += frequencies_(j, at + static_cast<std::int64_t>(x(row, k)));
      else
        sum += static_cast<long double>(frequencies_(j, at)) * x(row, k);
    }
    return sum;
  }

  [[nodiscard]] long double value(std::int64_t path, const HostMatrix& x, std::int64_t row) const {
    long double deviation = 0, mean = fitted_.mean();
    for (std::int64_t j = 0; j < features_; ++j)
      deviation +=
          amplitudes_(j, path) * std::cos(angle(j, x, row)) + amplitudes_(features_ + j, path) * std::sin(angle(j, x, row));
    for (std::int64_t i = 0; i < fitted_.problem().n; ++i) {
      const long double k =
          fitted_.outputscale() * reference_covariance(fitted_.problem(), fitted_.problem().points, i, x, row);
      mean += k * fitted_.weights()(i, 0);
      deviation -= k * updates_(i, path);
    }
    return mean + spread_[static_cast<std::size_t>(path)] * deviation;
  }

 private:
  static HostMatrix normals(std::int64_t rows, std::int64_t columns, std::uint64_t stream, double scale) {
    HostMatrix out(rows, columns);
    for (std::int64_t j = 0; j < columns; ++j)
      for (std::int64_t i = 0; i < rows; ++i)
        out(i, j) = scale * math::philox_normal(5, stream, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(j));
    return out;
  }

  FittedModel fitted_;
  std::int64_t features_, paths_;
  HostMatrix frequencies_, amplitudes_, updates_;
  std::vector<std::int32_t> first_;
  std::vector<double> spread_;
  Guarded device_frequencies_, device_amplitudes_, device_updates_;
  Buffer<std::int32_t> device_first_;
  Buffer<double> device_spread_;
};

class PathsTest : public Conformance {};

TEST_P(PathsTest, FeaturesAreCosinesAndSinesOfTheAngles) {
  for (const auto& [features, m] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {7, 3}, {128, 8}, {129, 17}, {5, 0}}) {
    const Problem problem(3, 4, 2, math::KernelFamily::matern52, 3);
    const PathSet paths(backend, problem, features, 1, false);
    HostMatrix points = random_queries(problem, m, 11);
    if (m > 2) points(2, 3) = -1;  // a categorical column that is absent
    const Guarded at(backend, points), out(backend, 2 * features, m);
    backend->run(EvaluateFeatures{paths.features(), at.view(), out.view()});
    out.expect_guards();
    const HostMatrix found = out.download();
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < features; ++j) {
        ASSERT_NEAR(found(j, i), static_cast<double>(std::cos(paths.angle(j, points, i))), 1e-14);
        ASSERT_NEAR(found(features + j, i), static_cast<double>(std::sin(paths.angle(j, points, i))), 1e-14);
      }
  }
}

TEST_P(PathsTest, ValuesAndGradientsMatchTheFormula) {
  struct Case {
    std::int64_t n, features, q, m, d;
    math::KernelFamily family;
  };
  for (const Case& c : std::vector<Case>{{0, 5, 1, 2, 2, math::KernelFamily::rbf},
                                         {1, 1, 2, 1, 1, math::KernelFamily::matern52},
                                         {33, 130, 3, 20, 4, math::KernelFamily::matern52},
                                         {129, 40, 5, 70, 9, math::KernelFamily::rbf},
                                         {20, 16, 2, 3, 18, math::KernelFamily::matern52}}) {
    SCOPED_TRACE(std::to_string(c.n) + " points, " + std::to_string(c.features) + " features");
    const Problem problem(c.n, c.d, c.d / 3, c.family, 3);
    const PathSet paths(backend, problem, c.features, c.q, true);
    const HostMatrix queries = random_queries(problem, c.m, 11);
    // Problem p follows path p mod q; the rows hold the problems backwards.
    std::vector<std::int32_t> paths_of, problems;
    for (std::int64_t a = 0; a < c.m; ++a) {
      paths_of.push_back(static_cast<std::int32_t>(a % c.q));
      problems.push_back(static_cast<std::int32_t>(c.m - 1 - a));
    }
    const Buffer<std::int32_t> device_paths = make_buffer(backend, paths_of), device_problems = make_buffer(backend, problems);
    const Guarded at(backend, queries), value(backend, c.m, 1), gradient(backend, c.m, c.d);
    const Buffer<double> values(backend, c.m);
    backend->run(
        Paths{paths.model(), device_paths.view(), device_problems.view(), at.view(), nullptr, values.view(), gradient.view()});
    gradient.expect_guards();
    const std::vector<double> found = fetch(values);
    const HostMatrix slopes = gradient.download();
    for (std::int64_t a = 0; a < c.m; ++a) {
      const std::int64_t path = (c.m - 1 - a) % c.q;
      ASSERT_NEAR(found[static_cast<std::size_t>(a)], static_cast<double>(paths.value(path, queries, a)), 1e-12);
      for (std::int64_t k = 0; k < c.d; ++k) {
        if (problem.categorical[static_cast<std::size_t>(k)] != 0) {
          ASSERT_EQ(slopes(a, k), 0);
          continue;
        }
        constexpr double kStep = 0x1p-16;
        HostMatrix above = queries, below = queries;
        above(a, k) += kStep;
        below(a, k) -= kStep;
        const long double difference = (paths.value(path, above, a) - paths.value(path, below, a)) / (2 * kStep);
        ASSERT_NEAR(slopes(a, k), static_cast<double>(difference), 2e-8);
      }
    }
    // Without gradients, and without an index of problems.
    backend->run(Paths{paths.model(), device_paths.view(), {}, at.view(), nullptr, values.view(), {}});
    for (std::int64_t a = 0; a < c.m; ++a)
      ASSERT_NEAR(fetch(values)[static_cast<std::size_t>(a)], static_cast<double>(paths.value(a % c.q, queries, a)), 1e-12);
  }
}

TEST_P(PathsTest, ActiveLimitsTheRows) {
  const Problem problem(20, 2, 0, math::KernelFamily::matern52, 3);
  const PathSet paths(backend, problem, 8, 1, false);
  const Guarded at(backend, random_queries(problem, 9, 1)), gradient(backend, 9, 2);
  const Buffer<double> value = make_buffer(backend, std::vector<double>(9, -5e5));
  const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{4}),
                             paths_of = make_buffer(backend, std::vector<std::int32_t>(9, 0));
  backend->run(Paths{paths.model(), paths_of.view(), {}, at.view(), active.data(), value.view(), gradient.view()});
  const HostMatrix gradients = gradient.download();
  for (std::int64_t a = 0; a < 9; ++a) {
    EXPECT_EQ(Guarded::is_sentinel(gradients(a, 1)), a >= 4);
    EXPECT_EQ(fetch(value)[static_cast<std::size_t>(a)] == -5e5, a >= 4);
  }
}

class ScreenPathsTest : public Conformance {
 protected:
  struct Screened {
    HostMatrix values;
    std::vector<std::int32_t> indices;
  };
  Screened screen(const PathSet& paths, const HostMatrix& candidates, std::int64_t places) {
    const Guarded at(backend, candidates), values(backend, places, paths.count());
    const Buffer<std::int32_t> indices =
        make_buffer(backend, std::vector<std::int32_t>(static_cast<std::size_t>(places * paths.count()), -77));
    backend->run(ScreenPaths{paths.model(), at.view(), indices.matrix(places, paths.count()), values.view()});
    values.expect_guards();
    return {values.download(), fetch(indices)};
  }
};

TEST_P(ScreenPathsTest, FindsTheSmallestValuesOfEveryPath) {
  struct Case {
    std::int64_t n, features, q, m, places;
  };
  for (const Case& c : std::vector<Case>{
           {0, 3, 2, 5, 2}, {1, 1, 1, 1, 1}, {33, 20, 7, 150, 4}, {100, 64, 33, 300, kMostScreened}, {40, 5, 3, 4, 6}}) {
    SCOPED_TRACE(std::to_string(c.n) + " points, " + std::to_string(c.m) + " candidates");
    const Problem problem(c.n, 3, 1, math::KernelFamily::matern52, 3);
    const PathSet paths(backend, problem, c.features, c.q, true);
    const HostMatrix candidates = random_queries(problem, c.m, 17);
    const Screened found = screen(paths, candidates, c.places);
    for (std::int64_t s = 0; s < c.q; ++s) {
      std::vector<double> all;
      for (std::int64_t i = 0; i < c.m; ++i) all.push_back(static_cast<double>(paths.value(s, candidates, i)));
      std::vector<std::int32_t> order(all.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        return all[static_cast<std::size_t>(a)] < all[static_cast<std::size_t>(b)];
      });
      for (std::int64_t p = 0; p < c.places; ++p) {
        const std::int32_t index = found.indices[static_cast<std::size_t>(p + s * c.places)];
        if (p >= c.m) {
          ASSERT_EQ(index, -1);
          ASSERT_EQ(found.values(p, s), std::numeric_limits<double>::infinity());
          continue;
        }
        ASSERT_EQ(index, order[static_cast<std::size_t>(p)]) << "path " << s << ", place " << p;
        ASSERT_NEAR(found.values(p, s), all[static_cast<std::size_t>(index)], 1e-12);
      }
    }
  }
}

TEST_P(ScreenPathsTest, EqualCandidatesComeInOrderAndNaNsLast) {
  const Problem problem(20, 2, 0, math::KernelFamily::matern52, 3);
  const PathSet paths(backend, problem, 8, 3, false);
  HostMatrix candidates(200, 2, 0.25);
  for (const std::int64_t i : {0, 5, 150}) candidates(i, 1) = std::numeric_limits<double>::quiet_NaN();
  const Screened found = screen(paths, candidates, 8);
  for (std::int64_t s = 0; s < 3; ++s) {
    // Rounding may tell equal candidates apart, by where they lie in a product; among equal values the lower index is first.
    for (std::int64_t p = 0; p + 1 < 8; ++p) {
      const auto at = static_cast<std::size_t>(p + 8 * s);
      ASSERT_TRUE(found.values(p, s) < found.values(p + 1, s) ||
                  (found.values(p, s) == found.values(p + 1, s) && found.indices[at] < found.indices[at + 1]));
      for (const std::int32_t i : {0, 5, 150}) ASSERT_NE(found.indices[at], i);
    }
  }
  const HostMatrix nothing(4, 2, std::numeric_limits<double>::quiet_NaN());
  const Screened last = screen(paths, nothing, 3);
  for (std::int64_t p = 0; p < 3; ++p) EXPECT_EQ(last.indices[static_cast<std::size_t>(p)], p);
}

INSTANTIATE_TEST_SUITE_P(Backends, PathsTest, ::testing::ValuesIn(backends()), case_name);
INSTANTIATE_TEST_SUITE_P(Backends, ScreenPathsTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
