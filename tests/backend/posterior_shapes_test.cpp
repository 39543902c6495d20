/// Posterior and acquisition at many shapes: sizes around the widths of warps, strips and tiles, dimensions around the chunks,
/// samples around a warp, data that are hard.
#include "backend/posterior_fixture.hpp"

#include <cmath>

namespace warpbo::backend::testing {
namespace {

struct Shape {
  std::int64_t n, m, d, samples;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.n << " points, " << shape.m << " queries, " << shape.d << " dimensions, " << shape.samples << " samples";
}

/// Lengthscales that grow with the dimension, so that covariances stay away from 0.
Problem shaped_problem(const Shape& shape, math::KernelFamily family = math::KernelFamily::matern52) {
  Problem problem(shape.n, shape.d, shape.d > 1 ? 1 : 0, family, 3);
  for (std::int64_t k = 0; k < shape.d; ++k)
    problem.theta[static_cast<std::size_t>(k)] += 0.5 * std::log(static_cast<double>(shape.d));
  return problem;
}

class PosteriorShapesTest : public Conformance {
 protected:
  /// Means and variances of `call`, which may ask for more, against the reference.
  void expect_moments(Posterior call, const FittedModel& fitted, const HostMatrix& queries, bool with_mean,
                      bool with_variance) {
    const std::int64_t m = queries.rows, samples = fitted.model().weights.columns;
    const Guarded at(backend, queries), mean(backend, m, samples), variance(backend, m, 1);
    call.model = fitted.model();
    call.queries = at.view();
    if (with_mean) call.mean = mean.view();
    if (with_variance) call.variance = variance.vector();
    backend->run(call);
    mean.expect_guards();
    variance.expect_guards();
    const HostMatrix means = mean.download(), variances = variance.download();
    for (std::int64_t q = 0; q < m; ++q) {
      const FittedModel::Moments expected = fitted.moments(queries, q);
      for (std::int64_t s = 0; s < samples && with_mean; ++s)
        ASSERT_NEAR(means(q, s), static_cast<double>(expected.mean[static_cast<std::size_t>(s)]), 1e-10) << q << ", " << s;
      if (with_variance) {
        ASSERT_NEAR(variances(q, 0), static_cast<double>(expected.variance), 1e-11) << q;
      }
    }
  }
};

TEST_P(PosteriorShapesTest, MomentsTogetherAndAlone) {
  for (const Shape& shape : {Shape{31, 1, 1, 1}, Shape{33, 31, 17, 5}, Shape{65, 130, 2, 1}, Shape{257, 33, 40, 1},
                             Shape{129, 65, 3, 33}, Shape{100, 130, 16, 5}, Shape{0, 33, 2, 4}, Shape{5, 0, 2, 1}}) {
    SCOPED_TRACE(::testing::PrintToString(shape));
    const FittedModel fitted(backend, shaped_problem(shape), shape.samples, 0.4, 1.7);
    const HostMatrix queries = random_queries(fitted.problem(), shape.m, 11);
    expect_moments({}, fitted, queries, true, true);
    expect_moments({}, fitted, queries, true, false);
    expect_moments({}, fitted, queries, false, true);
  }
}

TEST_P(PosteriorShapesTest, GradientsInAnyDimension) {
  for (const Shape& shape : {Shape{31, 1, 1, 1}, Shape{65, 9, 17, 1}, Shape{257, 5, 40, 1}, Shape{40, 70, 2, 1}}) {
    SCOPED_TRACE(::testing::PrintToString(shape));
    const FittedModel fitted(backend, shaped_problem(shape, math::KernelFamily::rbf), 1, 0.4, 1.7);
    const HostMatrix queries = random_queries(fitted.problem(), shape.m, 11);
    const Guarded at(backend, queries), by_mean(backend, shape.m, shape.d), by_variance(backend, shape.m, shape.d);
    Posterior call;
    call.model = fitted.model();
    call.queries = at.view();
    call.mean_gradient = by_mean.view();
    call.variance_gradient = by_variance.view();
    backend->run(call);
    by_mean.expect_guards();
    by_variance.expect_guards();
    const HostMatrix mean_gradient = by_mean.download(), variance_gradient = by_variance.download();
    for (std::int64_t q = 0; q < shape.m; q += 4)
      for (std::int64_t k = 0; k < shape.d; k += 3) {
        if (fitted.problem().categorical[static_cast<std::size_t>(k)] != 0) continue;
        constexpr double kStep = 0x1p-16;
        HostMatrix above = queries, below = queries;
        above(q, k) += kStep;
        below(q, k) -= kStep;
        const FittedModel::Moments up = fitted.moments(above, q), down = fitted.moments(below, q);
        ASSERT_NEAR(mean_gradient(q, k), static_cast<double>((up.mean[0] - down.mean[0]) / (2 * kStep)), 2e-7);
        ASSERT_NEAR(variance_gradient(q, k), static_cast<double>((up.variance - down.variance) / (2 * kStep)), 2e-7);
      }
  }
}

TEST_P(PosteriorShapesTest, ActiveLimitsManyRowsToo) {
  constexpr std::int64_t m = 70, n = 40, samples = 3;
  const FittedModel fitted(backend, Problem(n, 3, 1, math::KernelFamily::matern52, 3), samples, 0.4, 1.7);
  const HostMatrix queries = random_queries(fitted.problem(), m, 11);
  for (const std::int32_t count : {0, 1, 65}) {
    const Guarded at(backend, queries), mean(backend, m, samples), whitened(backend, n, m), variance(backend, m, 1);
    const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{count});
    Posterior call;
    call.model = fitted.model();
    call.queries = at.view();
    call.active = active.data();
    call.mean = mean.view();
    call.variance = variance.vector();
    call.whitened = whitened.view();
    backend->run(call);
    for (std::int64_t q = 0; q < m; ++q) {
      ASSERT_EQ(Guarded::is_sentinel(mean.download()(q, 2)), q >= count);
      ASSERT_EQ(Guarded::is_sentinel(variance.download()(q, 0)), q >= count);
      ASSERT_EQ(Guarded::is_sentinel(whitened.download()(n - 1, q)), q >= count);
      if (q >= count) continue;
      ASSERT_NEAR(variance.download()(q, 0), static_cast<double>(fitted.moments(queries, q).variance), 1e-12);
    }
  }
}

TEST_P(PosteriorShapesTest, NearDuplicatesAndQueriesOnThem) {
  // Pairs of points 1e-7 apart: C has eigenvalues as small as the noise, and V'V comes close to 1.
  Problem problem(64, 2, 0, math::KernelFamily::matern52, 3);
  problem.theta = {std::log(0.5), std::log(0.5), std::log(1e-8)};
  for (std::int64_t i = 0; i < 64; i += 2)
    for (std::int64_t k = 0; k < 2; ++k) problem.points(i + 1, k) = problem.points(i, k) + 1e-7;
  const FittedModel fitted(backend, problem, 1, 0, 1);
  const Guarded at(backend, problem.points), gradient(backend, 64, 2);
  const Buffer<double> variance(backend, 64), best = make_buffer(backend, std::vector<double>{-1.0}), value(backend, 64);
  Posterior call;
  call.model = fitted.model();
  call.queries = at.view();
  call.variance = {variance.data(), 64};
  backend->run(call);
  for (std::int64_t q = 0; q < 64; ++q) {
    const double expected = static_cast<double>(fitted.moments(problem.points, q).variance);
    EXPECT_GE(fetch(variance)[static_cast<std::size_t>(q)], 0);
    EXPECT_NEAR(fetch(variance)[static_cast<std::size_t>(q)], expected, 1e-10);
  }
  backend->run(Acquisition{
      fitted.model(), {AcquisitionKind::log_ei, best.view(), 0}, at.view(), nullptr, value.view(), gradient.view()});
  for (const double x : fetch(value)) EXPECT_TRUE(std::isfinite(x));
  for (const double x : gradient.download().data) EXPECT_TRUE(std::isfinite(x));
}

/// A model whose T = L^-1 is a multiple of the unit matrix: moments in closed form at any number of points. The incumbents are
/// so large that an improvement is certain: log EI is the logarithm of the average gain.
TEST_P(PosteriorShapesTest, GradientsOverManyStripsOfPoints) {
  constexpr double kScale = 1.0 / 64, kOutputscale = 1.3, kIncumbent = 5000, kCoefficient = 50;
  for (const auto& [shape, kind] :
       {std::pair{Shape{2100, 3, 2, 1}, AcquisitionKind::ucb}, std::pair{Shape{600, 3, 2, 5}, AcquisitionKind::log_ei},
        std::pair{Shape{600, 11, 2, 70}, AcquisitionKind::log_ei}}) {
    SCOPED_TRACE(::testing::PrintToString(shape));
    const Problem problem(shape.n, shape.d, 0, math::KernelFamily::matern52, 3);
    const HostMatrix queries = random_queries(problem, shape.m, 11), weights = Numbers(5).matrix(shape.n, shape.samples);
    HostMatrix scaled_unit(shape.n, shape.n), theta(1, shape.d + 1);
    for (std::int64_t i = 0; i < shape.n; ++i) scaled_unit(i, i) = kScale;
    theta.data = problem.theta;
    const Guarded points(backend, problem.points), inverse(backend, scaled_unit), hyper(backend, theta), at(backend, queries),
        factors(backend, weights), gradient(backend, shape.m, shape.d);
    const Buffer<double> value(backend, shape.m),
        best = make_buffer(backend, std::vector<double>(static_cast<std::size_t>(shape.samples), kIncumbent));
    const Model model{{problem.family, {}}, points.view(), hyper.view(), inverse.view(), factors.view(), 0.5, kOutputscale};
    backend->run(Acquisition{model, {kind, best.view(), kCoefficient}, at.view(), nullptr, value.view(), gradient.view()});
    gradient.expect_guards();
    const HostMatrix slopes = gradient.download();
    const auto reference = [&, kind = kind, samples = shape.samples](const HostMatrix& where, std::int64_t q) {
      std::vector<long double> mean(static_cast<std::size_t>(samples), 0.5L);
      long double explained = 0, gain = 0;
      for (std::int64_t i = 0; i < problem.n; ++i) {
        const long double k = reference_covariance(problem, problem.points, i, where, q);
        explained += kScale * kScale * k * k;
        for (std::int64_t s = 0; s < samples; ++s) mean[static_cast<std::size_t>(s)] += kOutputscale * k * weights(i, s);
      }
      if (kind == AcquisitionKind::ucb) return kCoefficient * std::sqrt(kOutputscale * (1 - explained)) - mean[0];
      for (const long double x : mean) gain += kIncumbent - x;
      return std::log(gain / static_cast<long double>(samples));
    };
    for (std::int64_t q = 0; q < shape.m; q += 2) {
      const auto expected = static_cast<double>(reference(queries, q));
      ASSERT_NEAR(fetch(value)[static_cast<std::size_t>(q)], expected, 1e-11 * std::fabs(expected));
      for (std::int64_t k = 0; k < shape.d; ++k) {
        HostMatrix above = queries, below = queries;
        above(q, k) += 0x1p-16;
        below(q, k) -= 0x1p-16;
        const auto slope = static_cast<double>((reference(above, q) - reference(below, q)) / 0x1p-15L);
        ASSERT_NEAR(slopes(q, k), slope, 2e-6 * (1e-2 + std::fabs(slope)));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, PosteriorShapesTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
