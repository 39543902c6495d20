#include "backend/fixture.hpp"

#include <cmath>
#include <limits>

namespace warpbo::backend::testing {
namespace {

class CholeskyTest : public Conformance {
 protected:
  /// Uploads lower triangles only: the strict upper ones keep their sentinels.
  void upload_lower(const Guarded& to, const HostMatrix& a, std::int64_t member = 0) {
    const Matrix view = to.view();
    for (std::int64_t j = 0; j < a.columns; ++j)
      backend->upload(view.data + member * view.stride + j + j * view.leading, &a(j, j),
                      static_cast<std::size_t>(a.rows - j) * sizeof(double));
  }
  std::vector<std::int32_t> factor(const Guarded& matrix, std::int64_t existing = 0, const ConstMatrix& inverse = {}) {
    const Buffer<std::int32_t> info =
        make_buffer(backend, std::vector<std::int32_t>(static_cast<std::size_t>(matrix.view().batch), -77));
    backend->run(Cholesky{matrix.view(), existing, info.view(), inverse});
    return fetch(info);
  }
  /// The first `existing` rows of the factor `l`, below them C.
  HostMatrix mixed(const LongMatrix& c, const LongMatrix& l, std::int64_t existing) {
    HostMatrix out = narrow(c);
    for (std::int64_t j = 0; j < existing; ++j)
      for (std::int64_t i = j; i < existing; ++i) out(i, j) = static_cast<double>(l(i, j));
    return out;
  }
};

TEST_P(CholeskyTest, FactorsAndLeavesTheUpperTriangleAlone) {
  for (const std::int64_t n : {0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 170, 171, 192, 193, 257, 600}) {
    SCOPED_TRACE("n = " + std::to_string(n));
    const LongMatrix c = reference_gram(Problem(n, 4, 0, math::KernelFamily::matern52, 3));
    const Guarded matrix(backend, n, n);
    upload_lower(matrix, narrow(c));
    EXPECT_EQ(factor(matrix)[0], 0);
    matrix.expect_guards();
    matrix.expect_upper_untouched();
    expect_near(matrix.download(), reference_cholesky(c), 1e-12, true);
  }
}

TEST_P(CholeskyTest, ExtendsAnExistingFactor) {
  for (const auto& [n, existing] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {2, 1}, {33, 32}, {65, 64}, {100, 1}, {100, 99}, {129, 63}, {200, 65}, {257, 64}, {300, 170}, {600, 599}, {5, 5}}) {
    SCOPED_TRACE(std::to_string(existing) + " of " + std::to_string(n));
    const LongMatrix c = reference_gram(Problem(n, 4, 0, math::KernelFamily::matern52, 3));
    const LongMatrix l = reference_cholesky(c);
    // The inverse of what exists may be given. What lies above its diagonal must not matter.
    LongMatrix block(existing, existing);
    for (std::int64_t j = 0; j < existing; ++j)
      for (std::int64_t i = j; i < existing; ++i) block(i, j) = l(i, j);
    const Guarded inverse(backend, existing, existing);
    upload_lower(inverse, narrow(reference_inverse(block)));
    for (const bool given : {false, true}) {
      const Guarded matrix(backend, n, n);
      upload_lower(matrix, mixed(c, l, existing));
      EXPECT_EQ(factor(matrix, existing, given ? ConstMatrix(inverse.view()) : ConstMatrix{})[0], 0);
      matrix.expect_guards();
      matrix.expect_upper_untouched();
      expect_near(matrix.download(), l, 1e-12, true);
    }
  }
}

TEST_P(CholeskyTest, ExtendsABatchWithOneBadMember) {
  constexpr std::int64_t n = 200, batch = 3;
  for (const std::int64_t existing : {50, 64, 130}) {
    SCOPED_TRACE(existing);
    const Guarded matrices(backend, n, n, batch);
    std::vector<LongMatrix> expected;
    for (std::int64_t p = 0; p < batch; ++p) {
      const LongMatrix c = reference_gram(Problem(n, 4, 0, math::KernelFamily::matern52, 3 + static_cast<std::uint64_t>(p)));
      expected.push_back(reference_cholesky(c));
      HostMatrix a = mixed(c, expected.back(), existing);
      if (p == 1) a(150, 150) = -1;
      upload_lower(matrices, a, p);
    }
    EXPECT_EQ(factor(matrices, existing), (std::vector<std::int32_t>{0, 151, 0}));
    matrices.expect_guards();
    matrices.expect_upper_untouched();
    for (const std::int64_t p : {0, 2}) expect_near(matrices.download(p), expected[static_cast<std::size_t>(p)], 1e-12, true);
  }
}

TEST_P(CholeskyTest, ReportsTheFirstBadPivotWhereverItIs) {
  // Around the edges of every block that an engine may use; a second bad row later must not be the one reported.
  constexpr std::int64_t n = 200;
  const std::vector<std::int64_t> rows = {0, 15, 16, 63, 64, 65, 127, 128, 191, 192, 198};
  const Guarded matrices(backend, n, n, static_cast<std::int64_t>(rows.size()));
  const HostMatrix c = narrow(reference_gram(Problem(n, 4, 0, math::KernelFamily::matern52, 3)));
  for (std::size_t p = 0; p < rows.size(); ++p) {
    HostMatrix a = c;
    a(rows[p], rows[p]) = 0;
    a(n - 1, n - 1) = std::nan("");
    upload_lower(matrices, a, static_cast<std::int64_t>(p));
  }
  const std::vector<std::int32_t> info = factor(matrices);
  for (std::size_t p = 0; p < rows.size(); ++p) EXPECT_EQ(info[p], rows[p] + 1);
  matrices.expect_guards();
  matrices.expect_upper_untouched();
}

TEST_P(CholeskyTest, ReportsTheRowOfTheBadPivotAndLeavesOtherMembersRight) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
  for (const std::int64_t n : {3, 40, 100, 257}) {
    SCOPED_TRACE("n = " + std::to_string(n));
    const std::int64_t row = 2 * n / 3;
    const LongMatrix c = reference_gram(Problem(n, 4, 0, math::KernelFamily::matern52, 3));
    const Guarded matrices(backend, n, n, 6);
    // A negative pivot, one that cancels below zero, NaN and infinity on the diagonal, NaN left of it; then a good one.
    const double bad[] = {-1, 1e-6, kNaN, kInfinity};
    for (std::int64_t p = 0; p < 4; ++p) {
      HostMatrix a = narrow(c);
      a(row, row) = bad[p];
      upload_lower(matrices, a, p);
    }
    HostMatrix a = narrow(c);
    a(row, 0) = kNaN;
    upload_lower(matrices, a, 4);
    upload_lower(matrices, narrow(c), 5);
    const std::vector<std::int32_t> info = factor(matrices);
    for (std::size_t p = 0; p < 5; ++p) EXPECT_EQ(info[p], row + 1) << "member " << p;
    EXPECT_EQ(info[5], 0);
    matrices.expect_guards();
    matrices.expect_upper_untouched();
    expect_near(matrices.download(5), reference_cholesky(c), 1e-12, true);
  }
}

TEST_P(CholeskyTest, ReportsTheRowInAnExtension) {
  LongMatrix c = reference_gram(Problem(50, 4, 0, math::KernelFamily::matern52, 3));
  const LongMatrix l = reference_cholesky(c);
  HostMatrix a = mixed(c, l, 30);
  a(41, 41) = 0;
  const Guarded matrix(backend, 50, 50);
  upload_lower(matrix, a);
  EXPECT_EQ(factor(matrix, 30)[0], 42);
}

TEST_P(CholeskyTest, N17_NearlySingularStaysAccurateOrSaysSo) {
  // RBF on points close together: the condition number is near 1/epsilon. Either info, or a factor whose product gives C back.
  for (const std::int64_t n : {60, 260})
    for (const double jitter : {1e-16, 1e-14, 1e-12, 1e-10}) {
      SCOPED_TRACE(std::to_string(n) + ", jitter " + std::to_string(jitter));
      Problem problem(n, 1, 0, math::KernelFamily::rbf, 3);
      problem.theta = {std::log(2.0), -60.0};
      const LongMatrix c = reference_gram(problem, static_cast<long double>(jitter));
      const Guarded matrix(backend, n, n);
      upload_lower(matrix, narrow(c));
      if (factor(matrix)[0] != 0) {
        EXPECT_LT(jitter, n == 60 ? 1e-13 : 1e-12);
        continue;
      }
      LongMatrix l = widen(matrix.download());
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < j; ++i) l(i, j) = 0;
      expect_near(narrow(reference_product(l, false, l, true)), c, 1e-14, true);
    }
}

class TriangularInverseTest : public Conformance {};

TEST_P(TriangularInverseTest, Inverts) {
  for (const auto& [n, existing] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, 0},   {1, 0},   {2, 0},   {31, 0},  {32, 0},   {33, 0},    {63, 0},    {64, 0},  {65, 0},
           {127, 0}, {128, 0}, {129, 0}, {193, 0}, {65, 64},  {200, 63},  {257, 65},  {100, 0}, {257, 0},
           {600, 0}, {2, 1},   {33, 32}, {100, 1}, {100, 99}, {300, 170}, {600, 599}, {5, 5}}) {
    SCOPED_TRACE(std::to_string(existing) + " of " + std::to_string(n));
    const LongMatrix l = reference_cholesky(reference_gram(Problem(n, 4, 0, math::KernelFamily::matern52, 3)));
    const LongMatrix expected = reference_inverse(l);
    // What lies above the diagonal of either argument must not matter.
    HostMatrix factor = narrow(l);
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < j; ++i) factor(i, j) = std::numeric_limits<double>::quiet_NaN();
    const Guarded lower(backend, factor), out(backend, n, n);
    const Matrix view = out.view();
    for (std::int64_t j = 0; j < existing; ++j) {
      const HostMatrix part = narrow(expected);
      backend->upload(view.data + j + j * view.leading, &part(j, j), static_cast<std::size_t>(existing - j) * sizeof(double));
    }
    backend->run(TriangularInverse{lower.view(), existing, out.view()});
    out.expect_guards();
    out.expect_upper_untouched();
    expect_near(out.download(), expected, 1e-12, true);
  }
}

TEST_P(TriangularInverseTest, Batches) {
  // Member 1 is no factor: the others must not notice.
  constexpr std::int64_t batch = 3;
  for (const auto& [n, existing] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{45, 0}, {200, 0}, {200, 70}, {150, 149}}) {
    SCOPED_TRACE(std::to_string(existing) + " of " + std::to_string(n));
    Guarded factors(backend, n, n, batch);
    const Guarded out(backend, n, n, batch);
    const Matrix view = out.view();
    std::vector<LongMatrix> expected;
    for (std::int64_t p = 0; p < batch; ++p) {
      const LongMatrix l =
          reference_cholesky(reference_gram(Problem(n, 2, 0, math::KernelFamily::matern52, 3 + static_cast<std::uint64_t>(p))));
      HostMatrix factor = narrow(l);
      if (p == 1) factor(n / 2, n / 2) = std::nan("");
      factors.upload(factor, p);
      expected.push_back(reference_inverse(l));
      const HostMatrix part = narrow(expected.back());
      for (std::int64_t j = 0; j < existing; ++j)
        backend->upload(view.data + p * view.stride + j + j * view.leading, &part(j, j),
                        static_cast<std::size_t>(existing - j) * sizeof(double));
    }
    backend->run(TriangularInverse{factors.view(), existing, out.view()});
    out.expect_guards();
    out.expect_upper_untouched();
    for (const std::int64_t p : {0, 2}) expect_near(out.download(p), expected[static_cast<std::size_t>(p)], 1e-12, true);
  }
}

class SolveLowerTest : public Conformance {};

TEST_P(SolveLowerTest, SolvesBothWays) {
  for (const std::int64_t n : {0, 1, 2, 33, 100, 257})
    for (const std::int64_t columns : {0, 1, 3, 70})
      for (const bool transposed : {false, true}) {
        SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(columns));
        const LongMatrix l = reference_cholesky(reference_gram(Problem(n, 4, 0, math::KernelFamily::matern52, 3)));
        HostMatrix factor = narrow(l);
        for (std::int64_t j = 0; j < n; ++j)
          for (std::int64_t i = 0; i < j; ++i) factor(i, j) = std::numeric_limits<double>::quiet_NaN();
        Numbers numbers(9);
        const HostMatrix right = numbers.matrix(n, columns);
        const Guarded lower(backend, factor), solution(backend, right);
        backend->run(SolveLower{lower.view(), transposed, solution.view()});
        solution.expect_guards();
        expect_near(solution.download(), reference_product(reference_inverse(l), transposed, widen(right), false), 1e-12);
      }
}

TEST_P(SolveLowerTest, Batches) {
  constexpr std::int64_t n = 40, columns = 3, batch = 2;
  Guarded factors(backend, n, n, batch), solutions(backend, n, columns, batch);
  std::vector<LongMatrix> expected;
  Numbers numbers(9);
  for (std::int64_t p = 0; p < batch; ++p) {
    const LongMatrix l =
        reference_cholesky(reference_gram(Problem(n, 2, 0, math::KernelFamily::matern52, 3 + static_cast<std::uint64_t>(p))));
    const HostMatrix right = numbers.matrix(n, columns);
    factors.upload(narrow(l), p);
    solutions.upload(right, p);
    expected.push_back(reference_product(reference_inverse(l), true, widen(right), false));
  }
  backend->run(SolveLower{factors.view(), true, solutions.view()});
  solutions.expect_guards();
  for (std::int64_t p = 0; p < batch; ++p) expect_near(solutions.download(p), expected[static_cast<std::size_t>(p)], 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Backends, CholeskyTest, ::testing::ValuesIn(backends()), case_name);
INSTANTIATE_TEST_SUITE_P(Backends, TriangularInverseTest, ::testing::ValuesIn(backends()), case_name);
INSTANTIATE_TEST_SUITE_P(Backends, SolveLowerTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
