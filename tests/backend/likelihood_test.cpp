#include "backend/fixture.hpp"

#include <cmath>
#include <limits>

namespace warpbo::backend::testing {
namespace {

class LikelihoodTest : public Conformance {
 protected:
  struct Result {
    std::vector<double> value;
    HostMatrix gradient;
    std::vector<std::int32_t> info;
  };

  HyperPrior prior{
      .lengthscale_center = -0.3, .lengthscale_sd = 1.2, .noise_center = -4, .noise_sd = 1, .shape = 1.5, .rate = 0.7};

  /// One row of theta per member.
  Result run(const Problem& problem, const std::vector<std::vector<double>>& thetas, bool gradient = true, bool weights = true,
             const std::int32_t* active = nullptr) {
    const auto batch = static_cast<std::int64_t>(thetas.size());
    HostMatrix theta(batch, problem.d + 1);
    for (std::int64_t p = 0; p < batch; ++p)
      for (std::int64_t k = 0; k <= problem.d; ++k)
        theta(p, k) = thetas[static_cast<std::size_t>(p)][static_cast<std::size_t>(k)];
    const Guarded points(backend, problem.points), targets(backend, problem.targets), parameters(backend, theta);
    const Buffer<std::uint8_t> categorical = make_buffer(backend, problem.categorical);
    const Buffer<double> noise = make_buffer(backend, problem.noise_weights);
    const Buffer<double> value = make_buffer(backend, std::vector<double>(thetas.size(), -77));
    const Buffer<std::int32_t> info = make_buffer(backend, std::vector<std::int32_t>(thetas.size(), -77));
    const Guarded out(backend, batch, problem.d + 1);
    Likelihood call;
    call.kernel = {problem.family, categorical.view()};
    call.points = points.view();
    call.targets = targets.view();
    if (weights) call.noise_weights = noise.view();
    call.theta = parameters.view();
    call.prior = prior;
    call.active = active;
    call.value = value.view();
    if (gradient) call.gradient = out.view();
    call.info = info.view();
    backend->run(call);
    out.expect_guards();
    return {fetch(value), out.download(), fetch(info)};
  }

  /// The documented formula, term by term, in long double.
  long double reference(Problem problem, const std::vector<double>& theta) const {
    problem.theta = theta;
    const std::int64_t n = problem.n;
    const LongMatrix l = reference_cholesky(reference_gram(problem));
    const LongMatrix inverse = reference_inverse(l);
    const LongMatrix precision = reference_product(inverse, true, inverse, false);
    long double ones = 0, cross = 0;
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < n; ++i) {
        ones += precision(i, j);
        cross += precision(i, j) * problem.targets(j, 0);
      }
    const long double mean = n > 0 ? cross / ones : 0;
    long double quadratic = 0, log_determinant = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t i = 0; i < n; ++i)
        quadratic += (problem.targets(i, 0) - mean) * precision(i, j) * (problem.targets(j, 0) - mean);
      log_determinant += 2 * std::log(l(j, j));
    }
    const long double size = static_cast<long double>(n), shape = prior.shape, rate = prior.rate;
    const long double scale = (quadratic + 2 * rate) / (size + 2 * shape + 2);
    long double value = size / 2 * std::log(scale) + log_determinant / 2 + (quadratic + 2 * rate) / (2 * scale) +
                        (shape + 1) * std::log(scale) + size / 2 * std::log(2 * std::acos(-1.0L));
    for (std::int64_t k = 0; k <= problem.d; ++k) {
      const long double center = k < problem.d ? prior.lengthscale_center : prior.noise_center;
      const long double sd = k < problem.d ? prior.lengthscale_sd : prior.noise_sd;
      const long double offset = (theta[static_cast<std::size_t>(k)] - center) / sd;
      value += offset * offset / 2;
    }
    return value;
  }

  /// The gradient by the formula (Rasmussen & Williams 2006, eq. 5.9), with the derivatives of C written out, in long double.
  std::vector<long double> reference_gradient(Problem problem, const std::vector<double>& theta) const {
    problem.theta = theta;
    const std::int64_t n = problem.n, d = problem.d;
    const LongMatrix inverse = reference_inverse(reference_cholesky(reference_gram(problem)));
    const LongMatrix precision = reference_product(inverse, true, inverse, false);
    long double ones = 0, cross = 0, quadratic = 0;
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < n; ++i) {
        ones += precision(i, j);
        cross += precision(i, j) * problem.targets(j, 0);
      }
    const long double mean = cross / ones;
    std::vector<long double> alpha(static_cast<std::size_t>(n), 0);
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < n; ++i)
        alpha[static_cast<std::size_t>(i)] += precision(i, j) * (problem.targets(j, 0) - mean);
    for (std::int64_t i = 0; i < n; ++i) quadratic += alpha[static_cast<std::size_t>(i)] * (problem.targets(i, 0) - mean);
    const long double scale = (quadratic + 2 * prior.rate) / (static_cast<long double>(n) + 2 * prior.shape + 2);
    std::vector<long double> out(static_cast<std::size_t>(d + 1), 0);
    std::vector<long double> term(static_cast<std::size_t>(d));
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < n; ++i) {
        const long double weight =
            (precision(i, j) - alpha[static_cast<std::size_t>(i)] * alpha[static_cast<std::size_t>(j)] / scale) / 2;
        long double squared = 0;
        for (std::int64_t k = 0; k < d; ++k) {
          const auto at = static_cast<std::size_t>(k);
          const long double length = std::exp(static_cast<long double>(theta[at]));
          long double delta = static_cast<long double>(problem.points(i, k)) - static_cast<long double>(problem.points(j, k));
          if (problem.categorical[at] != 0) delta = delta != 0 ? 1 : 0;
          term[at] = delta * delta / (length * length);
          squared += term[at];
        }
        const long double s = std::sqrt(5 * squared);
        const long double slope =
            problem.family == math::KernelFamily::rbf ? -std::exp(-squared / 2) / 2 : -5.0L / 6 * (1 + s) * std::exp(-s);
        for (std::size_t k = 0; k < term.size(); ++k) out[k] += weight * slope * -2 * term[k];
        if (i == j)
          out.back() += weight * std::exp(static_cast<long double>(theta.back())) *
                        static_cast<long double>(problem.noise_weights[static_cast<std::size_t>(i)]);
      }
    for (std::size_t k = 0; k < out.size(); ++k) {
      const bool lengthscale = k + 1 < out.size();
      const long double center = lengthscale ? prior.lengthscale_center : prior.noise_center;
      const long double sd = lengthscale ? prior.lengthscale_sd : prior.noise_sd;
      out[k] += (theta[k] - center) / (sd * sd);
    }
    return out;
  }

  /// Value and gradient against the formulas.
  void expect_right(const Problem& problem, double tolerance) {
    SCOPED_TRACE("n = " + std::to_string(problem.n) + ", d = " + std::to_string(problem.d));
    const Result result = run(problem, {problem.theta});
    ASSERT_EQ(result.info[0], 0);
    const auto value = static_cast<double>(reference(problem, problem.theta));
    EXPECT_NEAR(result.value[0], value, tolerance * (1 + std::fabs(value)));
    const std::vector<long double> gradient = reference_gradient(problem, problem.theta);
    long double largest = 1;
    for (const long double slope : gradient) largest = std::max(largest, std::fabs(slope));
    for (std::int64_t k = 0; k <= problem.d; ++k)
      EXPECT_NEAR(result.gradient(0, k), static_cast<double>(gradient[static_cast<std::size_t>(k)]),
                  tolerance * 10 * static_cast<double>(largest))
          << "parameter " << k;
  }

  /// Central differences of the reference: in long double their error is about 1e-11.
  long double reference_slope(const Problem& problem, std::vector<double> theta, std::int64_t k) const {
    constexpr double kStep = 0x1p-14;
    const auto at = static_cast<std::size_t>(k);
    const double center = theta[at];
    theta[at] = center + kStep;
    const long double above = reference(problem, theta);
    theta[at] = center - kStep;
    const long double below = reference(problem, theta);
    theta[at] = center + 2 * kStep;
    const long double above2 = reference(problem, theta);
    theta[at] = center - 2 * kStep;
    const long double below2 = reference(problem, theta);
    return (8 * (above - below) - (above2 - below2)) / (12 * kStep);
  }
};

TEST_P(LikelihoodTest, MatchesTheFormulaAndItsDifferences) {
  for (const math::KernelFamily family : {math::KernelFamily::matern52, math::KernelFamily::rbf})
    for (const std::int64_t n : {1, 2, 31, 32, 33, 64, 65, 100}) {
      SCOPED_TRACE("n = " + std::to_string(n));
      const Problem problem(n, 4, 1, family, 7 + static_cast<std::uint64_t>(n));
      const Result result = run(problem, {problem.theta});
      ASSERT_EQ(result.info[0], 0);
      const auto expected = static_cast<double>(reference(problem, problem.theta));
      EXPECT_NEAR(result.value[0], expected, 1e-10 * (1 + std::fabs(expected)));
      for (std::int64_t k = 0; k <= problem.d; ++k) {
        const auto slope = static_cast<double>(reference_slope(problem, problem.theta, k));
        EXPECT_NEAR(result.gradient(0, k), slope, 1e-8 * (1 + std::fabs(slope))) << "parameter " << k;
      }
    }
}

TEST_P(LikelihoodTest, TiledSizesMatchToo) {
  // Several blocks, the last one ragged. The differences are of values from the backend itself: the reference would take
  // minutes.
  for (const std::int64_t n : {257, 600}) {
    const Problem problem(n, 3, 1, math::KernelFamily::matern52, 7);
    const Result result = run(problem, {problem.theta});
    ASSERT_EQ(result.info[0], 0);
    const auto expected = static_cast<double>(reference(problem, problem.theta));
    EXPECT_NEAR(result.value[0], expected, 1e-10 * std::fabs(expected));
    for (std::int64_t k = 0; k <= problem.d; ++k) {
      constexpr double kStep = 0x1p-12;
      std::vector<std::vector<double>> thetas(4, problem.theta);
      for (const std::size_t i : {0u, 1u, 2u, 3u})
        thetas[i][static_cast<std::size_t>(k)] += kStep * (std::vector<double>{1, -1, 2, -2})[i];
      const Result moved = run(problem, thetas, false);
      const double slope = (8 * (moved.value[0] - moved.value[1]) - (moved.value[2] - moved.value[3])) / (12 * kStep);
      EXPECT_NEAR(result.gradient(0, k), slope, 1e-6 * (1 + std::fabs(slope))) << "n = " << n << ", parameter " << k;
    }
  }
}

// Around the sizes at which a way of evaluating, a template or a tile ends.
TEST_P(LikelihoodTest, EverySizeIsRight) {
  for (const std::int64_t n : {3, 31, 32, 33, 48, 49, 63, 64, 65, 96, 97, 127, 128, 129, 144, 145, 167, 168, 169, 257})
    expect_right(Problem(n, 3, n % 2, n % 3 == 0 ? math::KernelFamily::rbf : math::KernelFamily::matern52, 40), 1e-10);
}

// Dimensions go through shared memory in chunks of 16 or 32.
TEST_P(LikelihoodTest, AnyNumberOfDimensionsIsRight) {
  for (const std::int64_t n : {20, 100, 180})
    for (const std::int64_t d : {1, 16, 17, 40}) {
      Problem problem(n, d, d / 3, math::KernelFamily::matern52, 3);
      for (std::int64_t k = 0; k < d; ++k) problem.theta[static_cast<std::size_t>(k)] += 0.5 * std::log(static_cast<double>(d));
      expect_right(problem, 1e-10);
    }
}

TEST_P(LikelihoodTest, NearlySingularWithTinyNoise) {
  for (const std::int64_t n : {30, 60, 120, 190}) {
    Problem problem(n, 2, 0, math::KernelFamily::matern52, 5);
    problem.theta = {0.5, 0.7, std::log(1e-7)};
    for (std::int64_t i = 0; i < n / 4; ++i)  // clusters, 1e-6 wide
      for (std::int64_t k = 0; k < 2; ++k) problem.points(i + n / 2, k) = problem.points(i, k) + 1e-6 * static_cast<double>(k);
    expect_right(problem, 1e-6);
  }
}

TEST_P(LikelihoodTest, BatchMembersAreIndependentAndABadOneSpoilsNoOther) {
  for (const std::int64_t n : {30, 40, 50, 70, 130, 150, 190}) {
    SCOPED_TRACE("n = " + std::to_string(n));
    Problem problem(n, 3, 0, math::KernelFamily::matern52, 2);
    std::vector<std::vector<double>> thetas(5, problem.theta);
    thetas[1].back() = 800;  // infinite noise
    thetas[2][0] = std::numeric_limits<double>::quiet_NaN();
    thetas[3][1] += 0.5;
    thetas[4] = {800, 800, 800, -800};  // k = 1 everywhere and no noise: exactly singular
    const Result result = run(problem, thetas);
    for (const std::size_t p : {1u, 2u, 4u}) {
      EXPECT_NE(result.info[p], 0) << "member " << p;
      EXPECT_EQ(result.value[p], std::numeric_limits<double>::infinity());
      for (std::int64_t k = 0; k <= 3; ++k) EXPECT_EQ(result.gradient(static_cast<std::int64_t>(p), k), 0);
    }
    EXPECT_EQ(result.info[4], 2);  // the second row repeats the first
    for (const std::size_t p : {0u, 3u}) {
      EXPECT_EQ(result.info[p], 0);
      const Result alone = run(problem, {thetas[p]});
      EXPECT_EQ(result.value[p], alone.value[0]);
      for (std::int64_t k = 0; k <= 3; ++k) EXPECT_EQ(result.gradient(static_cast<std::int64_t>(p), k), alone.gradient(0, k));
      const Result value_only = run(problem, {thetas[p]}, false);
      EXPECT_EQ(value_only.value[0], alone.value[0]);
    }
  }
}

// Many studies: every member has points and targets of its own.
TEST_P(LikelihoodTest, MembersMayHaveTheirOwnData) {
  for (const std::int64_t n : {12, 40, 80, 150, 180}) {
    SCOPED_TRACE("n = " + std::to_string(n));
    constexpr std::int64_t kMembers = 5, kDimensions = 3;
    std::vector<Problem> problems;
    Guarded points(backend, n, kDimensions, kMembers), targets(backend, n, 1, kMembers), out(backend, kMembers, 4);
    HostMatrix theta(kMembers, kDimensions + 1);
    for (std::int64_t p = 0; p < kMembers; ++p) {
      const Problem& problem =
          problems.emplace_back(n, kDimensions, 0, math::KernelFamily::matern52, 50 + static_cast<std::uint64_t>(p));
      points.upload(problem.points, p);
      targets.upload(problem.targets, p);
      for (std::int64_t k = 0; k <= kDimensions; ++k) theta(p, k) = problem.theta[static_cast<std::size_t>(k)];
    }
    const Guarded parameters(backend, theta);
    const Buffer<double> value = make_buffer(backend, std::vector<double>(kMembers, -77));
    const Buffer<std::int32_t> info = make_buffer(backend, std::vector<std::int32_t>(kMembers, -77));
    const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{kMembers - 1});
    Likelihood call;
    call.points = points.view();
    call.targets = targets.view();
    call.theta = parameters.view();
    call.prior = prior;
    call.active = active.data();
    call.value = value.view();
    call.gradient = out.view();
    call.info = info.view();
    backend->run(call);
    out.expect_guards();
    const std::vector<double> values = fetch(value);
    const HostMatrix gradient = out.download();
    for (std::int64_t p = 0; p + 1 < kMembers; ++p) {
      const Problem& problem = problems[static_cast<std::size_t>(p)];
      const Result alone = run(problem, {problem.theta}, true, false);
      EXPECT_EQ(values[static_cast<std::size_t>(p)], alone.value[0]);
      for (std::int64_t k = 0; k <= kDimensions; ++k) EXPECT_EQ(gradient(p, k), alone.gradient(0, k));
    }
    EXPECT_EQ(values.back(), -77);
    EXPECT_EQ(fetch(info).back(), -77);
    EXPECT_TRUE(Guarded::is_sentinel(gradient(kMembers - 1, 0)));
  }
}

TEST_P(LikelihoodTest, ActiveLimitsTheMembersAndEmptyGradientGivesValues) {
  const Problem problem(20, 2, 0, math::KernelFamily::matern52, 2);
  const std::vector<std::vector<double>> thetas(3, problem.theta);
  const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{2});
  const Result result = run(problem, thetas, true, true, active.data());
  EXPECT_EQ(result.info, (std::vector<std::int32_t>{0, 0, -77}));
  EXPECT_EQ(result.value[2], -77);
  EXPECT_TRUE(Guarded::is_sentinel(result.gradient(2, 0)));
  EXPECT_FALSE(Guarded::is_sentinel(result.gradient(1, 2)));
  const Result values = run(problem, thetas, false);
  EXPECT_EQ(values.value[0], result.value[0]);
  EXPECT_TRUE(Guarded::is_sentinel(values.gradient(0, 0)));
}

TEST_P(LikelihoodTest, NoObservationsLeaveThePrior) {
  const Problem problem(0, 2, 0, math::KernelFamily::matern52, 2);
  const Result result = run(problem, {problem.theta});
  EXPECT_EQ(result.info[0], 0);
  EXPECT_NEAR(result.value[0], static_cast<double>(reference(problem, problem.theta)), 1e-12);
  EXPECT_NEAR(result.gradient(0, 2), problem.theta[2] + 4, 1e-12);
}

TEST_P(LikelihoodTest, AnInfinitePriorWidthSwitchesItOff) {
  const Problem problem(12, 2, 0, math::KernelFamily::matern52, 2);
  const Result with = run(problem, {problem.theta});
  const HyperPrior kept = prior;
  prior.noise_sd = std::numeric_limits<double>::infinity();
  const Result without = run(problem, {problem.theta});
  const double offset = problem.theta[2] - kept.noise_center;
  EXPECT_NEAR(with.value[0] - without.value[0], 0.5 * offset * offset, 1e-12);
  EXPECT_NEAR(with.gradient(0, 2) - without.gradient(0, 2), offset, 1e-12);
}

TEST_P(LikelihoodTest, N3_N4_DuplicatesWithNoiseAreNoTrouble) {
  Problem problem(40, 2, 0, math::KernelFamily::matern52, 2);
  for (std::int64_t i = 20; i < 40; ++i)
    for (std::int64_t k = 0; k < 2; ++k) problem.points(i, k) = problem.points(i - 20, k);
  problem.theta.back() = std::log(1e-6);
  const Result result = run(problem, {problem.theta});
  EXPECT_EQ(result.info[0], 0);
  const auto expected = static_cast<double>(reference(problem, problem.theta));
  EXPECT_NEAR(result.value[0], expected, 1e-7 * std::fabs(expected));
}

TEST_P(LikelihoodTest, N7_NonFiniteTargetsAreReported) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
    Problem problem(12, 2, 0, math::KernelFamily::matern52, 2);
    problem.targets(5, 0) = bad;
    const Result result = run(problem, {problem.theta});
    EXPECT_NE(result.info[0], 0);
    EXPECT_EQ(result.value[0], std::numeric_limits<double>::infinity());
    for (const double slope : result.gradient.data) EXPECT_EQ(slope, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, LikelihoodTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
