#include "backend/posterior_fixture.hpp"

#include <cmath>

namespace warpbo::backend::testing {
namespace {

class PosteriorTest : public Conformance {};

TEST_P(PosteriorTest, MomentsMatchTheFormula) {
  for (const auto& [n, m] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, 3}, {1, 1}, {2, 5}, {31, 0}, {33, 17}, {64, 100}, {100, 300}, {257, 40}}) {
    SCOPED_TRACE(std::to_string(n) + " points, " + std::to_string(m) + " queries");
    const Problem problem(n, 4, 1, math::KernelFamily::matern52, 3);
    const FittedModel fitted(backend, problem, 3, 0.4, 1.7);
    const HostMatrix queries = random_queries(problem, m, 11);
    const Guarded at(backend, queries), mean(backend, m, 3), whitened(backend, n, m), variance(backend, 1, m);
    const Buffer<double> variances(backend, m);
    Posterior call;
    call.model = fitted.model();
    call.queries = at.view();
    call.mean = mean.view();
    call.variance = variances.view();
    call.whitened = whitened.view();
    backend->run(call);
    mean.expect_guards();
    whitened.expect_guards();
    const HostMatrix means = mean.download();
    const std::vector<double> spread = fetch(variances);
    LongMatrix k(n, m);
    for (std::int64_t q = 0; q < m; ++q) {
      const FittedModel::Moments expected = fitted.moments(queries, q);
      for (std::int64_t s = 0; s < 3; ++s)
        ASSERT_NEAR(means(q, s), static_cast<double>(expected.mean[static_cast<std::size_t>(s)]), 1e-11);
      ASSERT_NEAR(spread[static_cast<std::size_t>(q)], static_cast<double>(expected.variance), 1e-12);
      for (std::int64_t i = 0; i < n; ++i) k(i, q) = reference_covariance(problem, problem.points, i, queries, q);
    }
    expect_near(whitened.download(), reference_product(fitted.inverse(), false, k, false), 1e-12);
  }
}

TEST_P(PosteriorTest, GradientsMatchDifferences) {
  for (const math::KernelFamily family : {math::KernelFamily::matern52, math::KernelFamily::rbf})
    for (const std::int64_t n : {0, 1, 33, 100}) {
      SCOPED_TRACE("n = " + std::to_string(n));
      constexpr std::int64_t m = 20, d = 4;
      const Problem problem(n, d, 1, family, 3);
      const FittedModel fitted(backend, problem, 1, 0.4, 1.7);
      const HostMatrix queries = random_queries(problem, m, 11);
      const Guarded at(backend, queries), by_mean(backend, m, d), by_variance(backend, m, d);
      Posterior call;
      call.model = fitted.model();
      call.queries = at.view();
      call.mean_gradient = by_mean.view();
      call.variance_gradient = by_variance.view();
      backend->run(call);
      by_mean.expect_guards();
      by_variance.expect_guards();
      const HostMatrix mean_gradient = by_mean.download(), variance_gradient = by_variance.download();
      for (std::int64_t q = 0; q < m; ++q)
        for (std::int64_t k = 0; k < d; ++k) {
          if (problem.categorical[static_cast<std::size_t>(k)] != 0) {
            EXPECT_EQ(mean_gradient(q, k), 0);
            EXPECT_EQ(variance_gradient(q, k), 0);
            continue;
          }
          constexpr double kStep = 0x1p-16;
          HostMatrix above = queries, below = queries;
          above(q, k) += kStep;
          below(q, k) -= kStep;
          const FittedModel::Moments up = fitted.moments(above, q), down = fitted.moments(below, q);
          // The Matern-5/2 has a third derivative that jumps at a data point, so differences are good to their step there.
          const double tolerance = 2e-7;
          ASSERT_NEAR(mean_gradient(q, k), static_cast<double>((up.mean[0] - down.mean[0]) / (2 * kStep)), tolerance);
          ASSERT_NEAR(variance_gradient(q, k), static_cast<double>((up.variance - down.variance) / (2 * kStep)), tolerance);
        }
    }
}

TEST_P(PosteriorTest, ActiveLimitsTheRows) {
  const Problem problem(20, 2, 0, math::KernelFamily::matern52, 3);
  const FittedModel fitted(backend, problem, 1, 0, 1);
  const Guarded at(backend, random_queries(problem, 9, 1)), mean(backend, 9, 1), gradient(backend, 9, 2);
  const Buffer<double> variance = make_buffer(backend, std::vector<double>(9, -5));
  const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{4});
  Posterior call;
  call.model = fitted.model();
  call.queries = at.view();
  call.active = active.data();
  call.mean = mean.view();
  call.variance = variance.view();
  call.mean_gradient = gradient.view();
  backend->run(call);
  const HostMatrix means = mean.download(), gradients = gradient.download();
  for (std::int64_t q = 0; q < 9; ++q) {
    EXPECT_EQ(Guarded::is_sentinel(means(q, 0)), q >= 4);
    EXPECT_EQ(Guarded::is_sentinel(gradients(q, 1)), q >= 4);
    EXPECT_EQ(fetch(variance)[static_cast<std::size_t>(q)] == -5, q >= 4);
  }
}

TEST_P(PosteriorTest, VarianceIsNeverNegative) {
  // Almost no noise: 1 - V'V at the data points is rounding error of either sign.
  Problem problem(40, 1, 0, math::KernelFamily::rbf, 3);
  problem.theta = {std::log(0.1), std::log(1e-13)};
  problem.noise_weights.assign(40, 1.0);
  for (std::int64_t i = 0; i < 40; ++i) problem.points(i, 0) = static_cast<double>(i) / 20;
  const FittedModel fitted(backend, problem, 1, 0, 2);
  const Guarded at(backend, problem.points), gradient(backend, 40, 1);
  const Buffer<double> variance(backend, 40);
  Posterior call;
  call.model = fitted.model();
  call.queries = at.view();
  call.variance = variance.view();
  call.variance_gradient = gradient.view();
  backend->run(call);
  for (const double x : fetch(variance)) {
    EXPECT_GE(x, 0);
    EXPECT_LT(x, 1e-8);
  }
  for (const double x : gradient.download().data) EXPECT_TRUE(std::isfinite(x));
}

class PosteriorExtendTest : public Conformance {};

TEST_P(PosteriorExtendTest, EqualsThePosteriorOfTheLargerModel) {
  for (const auto& [n, m] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 3}, {1, 1}, {33, 100}, {64, 300}, {100, 0}, {257, 33}}) {
    SCOPED_TRACE(std::to_string(n) + " points, " + std::to_string(m) + " queries");
    constexpr std::int64_t samples = 2;
    const double mean = 0.4, outputscale = 1.7;
    const Problem larger(n + 1, 4, 1, math::KernelFamily::matern52, 3);
    Problem smaller = larger;
    smaller.n = n;
    smaller.points = HostMatrix(n, 4);
    smaller.targets = HostMatrix(n, 1);
    for (std::int64_t i = 0; i < n; ++i) {
      smaller.targets(i, 0) = larger.targets(i, 0);
      for (std::int64_t k = 0; k < 4; ++k) smaller.points(i, k) = larger.points(i, k);
    }
    const FittedModel before(backend, smaller, samples, mean, outputscale), after(backend, larger, samples, mean, outputscale);
    const HostMatrix queries = random_queries(larger, m, 11);
    const Guarded at(backend, queries), means(backend, m, samples), whitened(backend, n + 1, m);
    const Buffer<double> variance(backend, m);
    Posterior posterior;
    posterior.model = before.model();
    posterior.queries = at.view();
    posterior.mean = means.view();
    posterior.variance = variance.view();
    posterior.whitened = whitened.view().block(0, 0, n, m);
    backend->run(posterior);

    HostMatrix point(1, 4), row(1, n);
    for (std::int64_t k = 0; k < 4; ++k) point(0, k) = larger.points(n, k);
    for (std::int64_t i = 0; i < n; ++i) row(0, i) = static_cast<double>(after.factor()(n, i));
    std::vector<double> innovations;
    for (std::int64_t s = 0; s < samples; ++s) {
      long double innovation = 0;
      for (std::int64_t i = 0; i <= n; ++i) innovation += after.inverse()(n, i) * (after.target(i, s) - mean);
      innovations.push_back(static_cast<double>(innovation));
    }
    const Guarded device_point(backend, point), device_row(backend, row);
    const Buffer<double> device_innovations = make_buffer(backend, innovations);
    PosteriorExtend extend;
    extend.kernel = before.model().kernel;
    extend.theta = before.model().theta;
    extend.point = device_point.view();
    extend.queries = at.view();
    extend.row_factor = device_row.view();
    extend.diagonal = static_cast<double>(after.factor()(n, n));
    extend.innovations = device_innovations.view();
    extend.outputscale = outputscale;
    extend.whitened = whitened.view();
    extend.mean = means.view();
    extend.variance = variance.view();
    backend->run(extend);
    means.expect_guards();
    whitened.expect_guards();
    const HostMatrix updated = means.download();
    for (std::int64_t q = 0; q < m; ++q) {
      const FittedModel::Moments expected = after.moments(queries, q);
      for (std::int64_t s = 0; s < samples; ++s)
        ASSERT_NEAR(updated(q, s), static_cast<double>(expected.mean[static_cast<std::size_t>(s)]), 1e-11);
      ASSERT_NEAR(fetch(variance)[static_cast<std::size_t>(q)], static_cast<double>(expected.variance), 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, PosteriorTest, ::testing::ValuesIn(backends()), case_name);
INSTANTIATE_TEST_SUITE_P(Backends, PosteriorExtendTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
