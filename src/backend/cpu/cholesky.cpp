#include "backend/cpu/blocked.hpp"
#include "backend/cpu/cpu_backend.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::backend {

namespace cpu {

namespace {

/// Rows that one task of a panel takes.
constexpr std::int64_t kTaskRows = 192;

std::int64_t tasks(std::int64_t rows) { return (rows + kTaskRows - 1) / kTaskRows; }

/// First row of the factor whose pivot is not finite or not positive; n if all are good.
std::int64_t first_bad_pivot(std::int64_t n, const double* a, std::int64_t lda) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double pivot = a[i + i * lda];
    if (!(pivot > 0) || !std::isfinite(pivot)) return i;
  }
  return n;
}

/// A diagonal block; 0 or 1 + row. The library looks for pivots <= 0 only, so NaN and infinity are looked for here.
std::int32_t factor_diagonal(std::int64_t n, double* a, std::int64_t lda) {
  const std::int64_t reported = potrf_lower(n, a, lda);
  const std::int64_t good = reported > 0 ? reported - 1 : n;
  const std::int64_t bad = first_bad_pivot(good, a, lda);
  return bad < n ? static_cast<std::int32_t>(bad + 1) : 0;
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
    const std::int32_t info = factor_diagonal(w, diagonal, lda);
    if (info != 0) return static_cast<std::int32_t>(k) + info;
    const double flops = static_cast<double>(below) * static_cast<double>(w) * static_cast<double>(w);
    team.each(tasks(below), dense_cost(2 * flops), [&](std::int64_t task) {
      const std::int64_t row = k + w + task * kTaskRows, rows = std::min(kTaskRows, n - row);
      trsm_lower(Side::right, Op::transpose, rows, w, 1, diagonal, lda, a + row + k * lda, lda);
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
      trsm_lower(Side::right, Op::transpose, rows, existing, 1, a, lda, a + row, lda);
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
