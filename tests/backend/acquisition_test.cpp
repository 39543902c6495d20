#include "backend/posterior_fixture.hpp"

#include <cmath>
#include <limits>

namespace warpbo::backend::testing {
namespace {

/// log of phi(z) + z Phi(z), by the continued fraction of Mills' ratio where the terms cancel.
long double reference_log_improvement(long double z) {
  const long double root = std::sqrt(2 * std::acos(-1.0L));
  if (z > -8) return std::log(std::exp(-z * z / 2) / root + z * std::erfc(-z / std::sqrt(2.0L)) / 2);
  long double fraction = 0;
  for (int k = 300; k >= 2; --k) fraction = k / (-z + fraction);
  const long double w = 1 / (-z + fraction);  // Phi(z)/phi(z) = 1/(-z + w)
  return -z * z / 2 + std::log(w / (-z + w) / root);
}

/// The documented acquisitions.
long double reference_value(const AcquisitionKind kind, double parameter, const std::vector<double>& incumbents,
                            const FittedModel::Moments& moments) {
  const long double sd = std::sqrt(moments.variance);
  switch (kind) {
    case AcquisitionKind::ucb:
      return parameter * sd - moments.mean[0];
    case AcquisitionKind::mean:
      return -moments.mean[0];
    case AcquisitionKind::sd:
      return sd;
    case AcquisitionKind::log_ei:
      break;
  }
  std::vector<long double> terms;
  for (std::size_t s = 0; s < incumbents.size(); ++s)
    terms.push_back(reference_log_improvement((incumbents[s] - moments.mean[s]) / sd));
  long double largest = terms[0], sum = 0;
  for (const long double term : terms) largest = std::max(largest, term);
  for (const long double term : terms) sum += std::exp(term - largest);
  return largest + std::log(sum / static_cast<long double>(terms.size())) + std::log(sd);
}

constexpr AcquisitionKind kKinds[] = {AcquisitionKind::log_ei, AcquisitionKind::ucb, AcquisitionKind::mean,
                                      AcquisitionKind::sd};

class AcquisitionTest : public Conformance {};

TEST_P(AcquisitionTest, ValuesAndGradientsMatchFormulaAndDifferences) {
  for (const AcquisitionKind kind : kKinds)
    for (const auto& [n, m, samples] :
         std::vector<std::array<std::int64_t, 3>>{{0, 3, 1}, {1, 1, 1}, {33, 20, 4}, {64, 70, 1}, {100, 10, 7}}) {
      SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)) + ", n = " + std::to_string(n));
      constexpr std::int64_t d = 4;
      const Problem problem(n, d, 1, math::KernelFamily::matern52, 3);
      const FittedModel fitted(backend, problem, samples, 0.4, 1.7);
      HostMatrix queries = random_queries(problem, m, 11);
      std::vector<double> incumbents;
      // From hopeless to certain improvement.
      for (std::int64_t s = 0; s < samples; ++s) incumbents.push_back(-1.5 + 0.7 * static_cast<double>(s));
      const Guarded at(backend, queries), gradient(backend, m, d);
      const Buffer<double> best = make_buffer(backend, incumbents), value(backend, m);
      Acquisition call;
      call.model = fitted.model();
      call.acquisition = {kind, best.view(), 1.3};
      call.queries = at.view();
      call.value = value.view();
      call.gradient = gradient.view();
      backend->run(call);
      gradient.expect_guards();
      const std::vector<double> values = fetch(value);
      const HostMatrix slopes = gradient.download();
      call.gradient = {};
      backend->run(call);
      for (std::int64_t q = 0; q < m; ++q) {
        const auto reference = [&](const HostMatrix& where) {
          return reference_value(kind, 1.3, incumbents, fitted.moments(where, q));
        };
        const auto expected = static_cast<double>(reference(queries));
        ASSERT_NEAR(values[static_cast<std::size_t>(q)], expected, 1e-9 * (1 + std::fabs(expected))) << "query " << q;
        ASSERT_NEAR(fetch(value)[static_cast<std::size_t>(q)], expected, 1e-9 * (1 + std::fabs(expected))) << "query " << q;
        for (std::int64_t k = 0; k < d; ++k) {
          if (problem.categorical[static_cast<std::size_t>(k)] != 0) {
            ASSERT_EQ(slopes(q, k), 0);
            continue;
          }
          constexpr double kStep = 0x1p-18;
          HostMatrix above = queries, below = queries;
          above(q, k) += kStep;
          below(q, k) -= kStep;
          const auto slope = static_cast<double>((reference(above) - reference(below)) / (2 * kStep));
          ASSERT_NEAR(slopes(q, k), slope, 2e-6 * (1 + std::fabs(slope))) << "query " << q << ", column " << k;
        }
      }
    }
}

TEST_P(AcquisitionTest, ActiveLimitsTheRows) {
  const Problem problem(20, 2, 0, math::KernelFamily::matern52, 3);
  const FittedModel fitted(backend, problem, 1, 0, 1);
  const Guarded at(backend, random_queries(problem, 9, 1)), gradient(backend, 9, 2);
  const Buffer<double> best = make_buffer(backend, std::vector<double>{0}),
                       value = make_buffer(backend, std::vector<double>(9, -5e9));
  for (const std::int32_t count : {0, 4}) {
    const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{count});
    backend->run(Acquisition{
        fitted.model(), {AcquisitionKind::log_ei, best.view(), 0}, at.view(), active.data(), value.view(), gradient.view()});
    for (std::int64_t q = 0; q < 9; ++q) {
      EXPECT_EQ(Guarded::is_sentinel(gradient.download()(q, 1)), q >= count);
      EXPECT_EQ(fetch(value)[static_cast<std::size_t>(q)] == -5e9, q >= count);
    }
  }
}

TEST_P(AcquisitionTest, ActiveLimitsManyRowsAndSamplesToo) {
  constexpr std::int64_t m = 30, samples = 5;
  const FittedModel fitted(backend, Problem(40, 3, 1, math::KernelFamily::matern52, 3), samples, 0, 1);
  const HostMatrix queries = random_queries(fitted.problem(), m, 1);
  const std::vector<double> incumbents = {0, -1, 1, 0.5, 2};
  const Guarded at(backend, queries), gradient(backend, m, 3);
  const Buffer<double> best = make_buffer(backend, incumbents),
                       value = make_buffer(backend, std::vector<double>(static_cast<std::size_t>(m), -5e9));
  for (const std::int32_t count : {0, 1, 13, 29}) {
    const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{count});
    for (const Matrix& wanted : {gradient.view(), Matrix{}})
      backend->run(Acquisition{
          fitted.model(), {AcquisitionKind::log_ei, best.view(), 0}, at.view(), active.data(), value.view(), wanted});
    for (std::int64_t q = 0; q < m; ++q) {
      const double found = fetch(value)[static_cast<std::size_t>(q)];
      ASSERT_EQ(Guarded::is_sentinel(gradient.download()(q, 1)), q >= count);
      ASSERT_EQ(found == -5e9, q >= count);
      if (q >= count) continue;
      const auto expected =
          static_cast<double>(reference_value(AcquisitionKind::log_ei, 0, incumbents, fitted.moments(queries, q)));
      ASSERT_NEAR(found, expected, 1e-10 * (1 + std::fabs(expected)));
    }
  }
}

TEST_P(AcquisitionTest, AtTheFloorOfTheVarianceOnlyTheMeanMoves) {
  // Without noise the variance at the data points is 0 to rounding, where it is cut off and its gradient is 0.
  Problem problem(12, 1, 0, math::KernelFamily::rbf, 3);
  problem.theta = {std::log(0.1), std::log(1e-30)};
  for (std::int64_t i = 0; i < 12; ++i) problem.points(i, 0) = static_cast<double>(i) / 4;
  const FittedModel fitted(backend, problem, 1, 0, 1);
  const Guarded at(backend, problem.points), gradient(backend, 12, 1), by_mean(backend, 12, 1);
  const Buffer<double> value(backend, 12), variance(backend, 12);
  Posterior moments;
  moments.model = fitted.model();
  moments.queries = at.view();
  moments.variance = {variance.data(), 12};
  moments.mean_gradient = by_mean.view();
  backend->run(moments);
  backend->run(Acquisition{fitted.model(), {AcquisitionKind::ucb, {}, 1e9}, at.view(), nullptr, value.view(), gradient.view()});
  int floored = 0;
  for (std::int64_t q = 0; q < 12; ++q) {
    EXPECT_TRUE(std::isfinite(fetch(value)[static_cast<std::size_t>(q)]));
    if (fetch(variance)[static_cast<std::size_t>(q)] >= 1e-20) continue;
    ++floored;
    EXPECT_NEAR(gradient.download()(q, 0), -by_mean.download()(q, 0), 1e-12);
  }
  EXPECT_GT(floored, 0);
}

class ScoreTest : public Conformance {
 protected:
  std::vector<double> score(const AcquisitionSpec& spec, const HostMatrix& mean, const std::vector<double>& variance) {
    const Guarded means(backend, mean);
    const Buffer<double> variances = make_buffer(backend, variance), out(backend, mean.rows);
    backend->run(Score{spec, means.view(), variances.view(), out.view()});
    return fetch(out);
  }
};

TEST_P(ScoreTest, MatchesTheFormula) {
  for (const AcquisitionKind kind : kKinds)
    for (const std::int64_t m : {0, 1, 127, 128, 129, 1000}) {
      constexpr std::int64_t samples = 5;
      Numbers numbers(2);
      const HostMatrix mean = numbers.matrix(m, samples);
      const std::vector<double> variance = numbers.matrix(m, 1).data, incumbents = {0.5, -0.5, -3, 0.1, 4};
      const Buffer<double> best = make_buffer(backend, incumbents);
      const std::vector<double> values = score({kind, best.view(), 1.3}, mean, variance);
      for (std::int64_t q = 0; q < m; ++q) {
        FittedModel::Moments moments{{}, variance[static_cast<std::size_t>(q)]};
        for (std::int64_t s = 0; s < samples; ++s) moments.mean.push_back(mean(q, s));
        const auto expected = static_cast<double>(reference_value(kind, 1.3, incumbents, moments));
        ASSERT_NEAR(values[static_cast<std::size_t>(q)], expected, 1e-12 * (1 + std::fabs(expected)));
      }
    }
}

TEST_P(ScoreTest, LogExpectedImprovementNeverUnderflows) {
  // z from -1e6 to 1e6: EI itself is 0 in double precision below z = -38.
  const std::vector<double> incumbents = {0};
  const Buffer<double> best = make_buffer(backend, incumbents);
  HostMatrix mean(13, 1);
  mean.data = {1e6, 1e4, 100, 40, 10, 1, 0, -1, -10, -40, -100, -1e4, -1e6};
  const std::vector<double> values = score({AcquisitionKind::log_ei, best.view(), 0}, mean, std::vector<double>(13, 1));
  for (std::size_t q = 0; q < 13; ++q) {
    const auto expected = static_cast<double>(reference_log_improvement(-static_cast<long double>(mean.data[q])));
    EXPECT_NEAR(values[q], expected, 1e-14 * std::fabs(expected) + 1e-15);
    EXPECT_TRUE(q == 0 || values[q] > values[q - 1]);
  }
}

TEST_P(ScoreTest, StaysFiniteAtZeroVarianceAndPassesNaNOn) {
  const std::vector<double> incumbents = {0.5, -0.5};
  const Buffer<double> best = make_buffer(backend, incumbents);
  HostMatrix mean(4, 2);
  mean(0, 0) = 1, mean(0, 1) = 1;
  mean(1, 0) = -1, mean(1, 1) = -1;
  mean(2, 0) = 0.5, mean(2, 1) = -0.5;
  mean(3, 0) = std::numeric_limits<double>::quiet_NaN(), mean(3, 1) = 0;
  const std::vector<double> values = score({AcquisitionKind::log_ei, best.view(), 0}, mean, {0, 0, 0, 1});
  EXPECT_TRUE(std::isfinite(values[0]));
  EXPECT_LT(values[0], -1e18);
  EXPECT_NEAR(values[1], 0, 1e-12);  // improvements of 1.5 and 0.5 for certain: log 1
  EXPECT_TRUE(std::isfinite(values[2]));
  EXPECT_TRUE(std::isnan(values[3]));
}

INSTANTIATE_TEST_SUITE_P(Backends, AcquisitionTest, ::testing::ValuesIn(backends()), case_name);
INSTANTIATE_TEST_SUITE_P(Backends, ScoreTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
