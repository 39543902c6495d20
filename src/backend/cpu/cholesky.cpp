#include "backend/cpu/blocked.hpp"
#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/small_triangles.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace cpu {

namespace {

/// Rows that one task of a panel takes.
constexpr std::int64_t kTaskRows = 192;

std::int64_t tasks(std::int64_t rows) { return (rows + kTaskRows - 1) / kTaskRows; }

/// B (m x n) = B L'^-1, in halves until solve_right_small takes them.
void solve_right(std::int64_t m, std::int64_t n, const double* l, std::int64_t ldl, double* b, std::int64_t ldb) {
  if (n <= kSmallTriangle) return solve_right_small(m, n, l, ldl, b, ldb);
  const std::int64_t first = padded(n / 2), second = n - first;
  solve_right(m, first, l, ldl, b, ldb);
  gemm(Op::none, Op::transpose, m, second, first, -1, b, ldb, l + first, ldl, 1, b + first * ldb, ldb);
  solve_right(m, second, l + first + first * ldl, ldl, b + first * ldb, ldb);
}

/// A diagonal block, in halves until factor_small takes them; 0 or 1 + row.
std::int64_t factor_diagonal(std::int64_t n, double* a, std::int64_t lda) {
  if (n <= kSmallTriangle) return factor_small(n, a, lda);
  const std::int64_t first = padded(n / 2), second = n - first;
  if (const std::int64_t info = factor_diagonal(first, a, lda); info != 0) return info;
  solve_right(second, first, a, lda, a + first, lda);
  double* corner = a + first + first * lda;
  syrk_lower(second, first, -1, a + first, lda, 1, corner, lda);
  const std::int64_t info = factor_diagonal(second, corner, lda);
  return info == 0 ? 0 : first + info;
}

/// Left-looking: a panel takes all updates from the left in one long product, its diagonal block is factored, the rest solved.
std::int32_t factor_panels(std::int64_t n, double* a, std::int64_t lda, const Team& team) {
  const std::int64_t width = block_size(n);
  for (std::int64_t k = 0; k < n; k += width) {
    const std::int64_t w = std::min(width, n - k), below = n - k - w;
    double* diagonal = a + k + k * lda;
    if (k > 0) {
      const double flops = 2.0 * static_cast<double>(below + w) * static_cast<double>(w) * static_cast<double>(k);
      team.each(1 + tasks(below), dense_cost(flops), [&](std::int64_t task) {
        if (task == 0) return syrk_lower(w, k, -1, a + k, lda, 1, diagonal, lda);
        const std::int64_t row = k + w + (task - 1) * kTaskRows, rows = std::min(kTaskRows, n - row);
        gemm(Op::none, Op::transpose, rows, w, k, -1, a + row, lda, a + k, lda, 1, a + row + k * lda, lda);
      });
    }
    const std::int64_t info = factor_diagonal(w, diagonal, lda);
    if (info != 0) return static_cast<std::int32_t>(k + info);
    const double flops = static_cast<double>(below) * static_cast<double>(w) * static_cast<double>(w);
    team.each(tasks(below), dense_cost(2 * flops), [&](std::int64_t task) {
      const std::int64_t row = k + w + task * kTaskRows, rows = std::min(kTaskRows, n - row);
      solve_right(rows, w, diagonal, lda, a + row + k * lda, lda);
    });
  }
  return 0;
}

}  // namespace

std::int64_t block_size(std::int64_t n) { return n <= 512 ? 64 : 128; }

std::int32_t factor_lower(std::int64_t n, std::int64_t existing, double* a, std::int64_t lda, const Team& team) {
  const std::int64_t fresh = n - existing;
  if (fresh <= 0) return 0;
  double* corner = a + existing + existing * lda;
  if (existing > 0) {
    const double e = static_cast<double>(existing);
    team.each(tasks(fresh), dense_cost(static_cast<double>(fresh) * e * e), [&](std::int64_t task) {
      const std::int64_t row = existing + task * kTaskRows, rows = std::min(kTaskRows, n - row);
      solve_right(rows, existing, a, lda, a + row, lda);
    });
    team.each(tasks(fresh), dense_cost(static_cast<double>(fresh * fresh) * e), [&](std::int64_t task) {
      const std::int64_t row = existing + task * kTaskRows, rows = std::min(kTaskRows, n - row);
      gemm(Op::none, Op::transpose, rows, row - existing, existing, -1, a + row, lda, a + existing, lda, 1,
           a + row + existing * lda, lda);
      syrk_lower(rows, existing, -1, a + row, lda, 1, a + row + row * lda, lda);
    });
  }
  const std::int32_t info = factor_panels(fresh, corner, lda, team);
  return info == 0 ? 0 : static_cast<std::int32_t>(existing) + info;
}

}  // namespace cpu

void CpuBackend::run(const Cholesky& cholesky) {
  const Matrix& factor = cholesky.factor;
  const std::int64_t n = factor.rows;
  const auto member = [&](std::int64_t p, const cpu::Team& team) {
    cholesky.info.data[p] = n == 0 ? 0 : cpu::factor_lower(n, cholesky.existing, factor.member(p).data, factor.leading, team);
  };
  if (factor.batch == 1) return member(0, team_);
  const double size = static_cast<double>(n);
  team_.each(factor.batch, cpu::dense_cost(size * size * size), [&](std::int64_t p) { member(p, cpu::Team::alone()); });
}

}  // namespace warpbo::backend
