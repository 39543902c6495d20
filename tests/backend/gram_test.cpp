#include "backend/fixture.hpp"

#include <cmath>

namespace warpbo::backend::testing {
namespace {

class GramTest : public Conformance {};

HostMatrix theta_row(const std::vector<double>& theta) {
  HostMatrix out(1, static_cast<std::int64_t>(theta.size()));
  out.data = theta;
  return out;
}

TEST_P(GramTest, MatchesTheFormulaAndWritesTheLowerTriangleOnly) {
  for (const math::KernelFamily family : {math::KernelFamily::matern52, math::KernelFamily::rbf})
    for (const std::int64_t n : {0, 1, 2, 7, 8, 31, 32, 33, 64, 100, 257, 300}) {
      SCOPED_TRACE("n = " + std::to_string(n));
      const Problem problem(n, 5, 2, family, 3);
      const Guarded points(backend, problem.points), theta(backend, theta_row(problem.theta)), out(backend, n, n);
      const Buffer<std::uint8_t> categorical = make_buffer(backend, problem.categorical);
      const Buffer<double> weights = make_buffer(backend, problem.noise_weights);
      backend->run(Gram{{family, categorical.view()}, points.view(), theta.view(), weights.view(), 1e-3, out.view()});
      out.expect_guards();
      out.expect_upper_untouched();
      expect_near(out.download(), reference_gram(problem, 1e-3L), 1e-14, true);
    }
}

TEST_P(GramTest, BatchesOverThetaWithSharedAndOwnPoints) {
  constexpr std::int64_t n = 37, d = 3, batch = 4;
  for (const bool shared : {true, false}) {
    Guarded points(backend, n, d, shared ? 1 : batch);
    HostMatrix theta(batch, d + 1);
    std::vector<Problem> problems;
    for (std::int64_t p = 0; p < batch; ++p) {
      problems.emplace_back(n, d, 0, math::KernelFamily::matern52, shared ? 5 : 5 + static_cast<std::uint64_t>(p));
      problems.back().noise_weights.assign(n, 1.0);
      for (std::int64_t k = 0; k <= d; ++k)
        theta(p, k) = problems.back().theta[static_cast<std::size_t>(k)] += 0.1 * static_cast<double>(p * (k + 1));
      if (!shared || p == 0) points.upload(problems.back().points, p);
    }
    const Guarded parameters(backend, theta), out(backend, n, n, batch);
    backend->run(Gram{{}, points.view(), parameters.view(), {}, 0, out.view()});
    out.expect_guards();
    out.expect_upper_untouched();
    for (std::int64_t p = 0; p < batch; ++p)
      expect_near(out.download(p), reference_gram(problems[static_cast<std::size_t>(p)]), 1e-14, true);
  }
}

TEST_P(GramTest, N5_NearDuplicatesKeepTheirDistance) {
  // Points 1e-9 apart: a distance from a product of matrices would lose all digits.
  Problem problem(16, 2, 0, math::KernelFamily::rbf, 1);
  for (std::int64_t i = 0; i < 16; ++i) problem.points(i, 0) = 0.5 + 1e-9 * static_cast<double>(i), problem.points(i, 1) = 0.25;
  problem.theta = {std::log(1e-8), 0.0, -50.0};
  const Guarded points(backend, problem.points), theta(backend, theta_row(problem.theta)), out(backend, 16, 16);
  backend->run(Gram{{problem.family, {}}, points.view(), theta.view(), {}, 0, out.view()});
  expect_near(out.download(), reference_gram(problem), 1e-7, true);
}

TEST_P(GramTest, NonFiniteInputGivesNonFiniteOutput) {
  Problem problem(9, 2, 0, math::KernelFamily::matern52, 1);
  problem.points(4, 1) = std::nan("");
  const Guarded points(backend, problem.points), theta(backend, theta_row(problem.theta)), out(backend, 9, 9);
  backend->run(Gram{{}, points.view(), theta.view(), {}, 0, out.view()});
  const HostMatrix result = out.download();
  EXPECT_TRUE(std::isnan(result(4, 0)) && std::isnan(result(8, 4)));
  EXPECT_TRUE(std::isfinite(result(8, 0)));
}

class CrossGramTest : public Conformance {};

TEST_P(CrossGramTest, MatchesTheFormula) {
  for (const auto& [n, m] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 3}, {3, 0}, {1, 1}, {2, 33}, {31, 8}, {257, 100}, {300, 300}}) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m));
    const Problem a(n, 4, 1, math::KernelFamily::matern52, 3), b(m, 4, 1, math::KernelFamily::matern52, 4);
    const Guarded left(backend, a.points), right(backend, b.points), theta(backend, theta_row(a.theta)), out(backend, n, m);
    const Buffer<std::uint8_t> categorical = make_buffer(backend, a.categorical);
    backend->run(CrossGram{{a.family, categorical.view()}, left.view(), right.view(), theta.view(), out.view()});
    out.expect_guards();
    LongMatrix expected(n, m);
    for (std::int64_t j = 0; j < m; ++j)
      for (std::int64_t i = 0; i < n; ++i) expected(i, j) = reference_covariance(a, a.points, i, b.points, j);
    expect_near(out.download(), expected, 1e-14);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, GramTest, ::testing::ValuesIn(backends()), case_name);
INSTANTIATE_TEST_SUITE_P(Backends, CrossGramTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
