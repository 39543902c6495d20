#include "backend/cpu/small_triangles.hpp"

#include "backend/cpu/vectorize.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::backend::cpu {

namespace {

/// X L = I column by column from the last: X[:, k] = (I[:, k] - sum over i > k of X[:, i] L[i, k]) / L[k, k]. `x` is n x n with
/// distance kSmallTriangle and zeros above the diagonal, so that whole lanes can be read.
WARPBO_VECTORIZED
void invert_columns(std::int64_t n, const double* l, std::int64_t ldl, double* x) {
  for (std::int64_t k = n - 1; k >= 0; --k) {
    const double* column = l + k * ldl;
    double* target = x + k * kSmallTriangle;
    const double pivot = 1.0 / column[k];
    for (std::int64_t row = k / kLanes * kLanes; row < n; row += kLanes) {
      const std::int64_t end = std::min(row + kLanes, n);
      Lanes sum0{}, sum1{}, sum2{}, sum3{};
      std::int64_t i = k + 1;
      for (; i + 4 <= end; i += 4) {
        const double* from = x + row + i * kSmallTriangle;
        sum0 += load(from) * column[i];
        sum1 += load(from + kSmallTriangle) * column[i + 1];
        sum2 += load(from + 2 * kSmallTriangle) * column[i + 2];
        sum3 += load(from + 3 * kSmallTriangle) * column[i + 3];
      }
      for (; i < end; ++i) sum0 += load(x + row + i * kSmallTriangle) * column[i];
      store(target + row, ((sum0 + sum1) + (sum2 + sum3)) * -pivot);
    }
    target[k] = pivot;
  }
}

/// Columns whose lanes are worked on in registers at a time: eight of the sixteen that AVX2 has.
constexpr int kColumns = 4;

/// kLanes rows of B: B <- B L'^-1. `inverse` holds 1 / L[k, k].
[[gnu::always_inline]] inline void solve_strip(std::int64_t n, const double* l, std::int64_t ldl, const double* inverse,
                                               double* b, std::int64_t ldb) {
  std::int64_t c = 0;
  for (; c + kColumns <= n; c += kColumns) {
    Lanes x[kColumns];
#pragma GCC unroll 4
    for (int q = 0; q < kColumns; ++q) x[q] = load(b + (c + q) * ldb);
    for (std::int64_t j = 0; j < c; ++j) {
      const double* column = l + c + j * ldl;
      const Lanes solved = load(b + j * ldb);
#pragma GCC unroll 4
      for (int q = 0; q < kColumns; ++q) x[q] -= solved * column[q];
    }
#pragma GCC unroll 4
    for (int q = 0; q < kColumns; ++q) {
#pragma GCC unroll 4
      for (int p = 0; p < q; ++p) x[q] -= x[p] * l[(c + q) + (c + p) * ldl];
      x[q] *= inverse[c + q];
      store(b + (c + q) * ldb, x[q]);
    }
  }
  for (; c < n; ++c) {
    Lanes x = load(b + c * ldb);
    for (std::int64_t j = 0; j < c; ++j) x -= load(b + j * ldb) * l[c + j * ldl];
    store(b + c * ldb, x * inverse[c]);
  }
}

WARPBO_VECTORIZED
void solve_rows(std::int64_t m, std::int64_t n, const double* l, std::int64_t ldl, const double* inverse, double* b,
                std::int64_t ldb) {
  for (std::int64_t row = 0; row < m; row += kLanes) solve_strip(n, l, ldl, inverse, b + row, ldb);
}

/// The diagonal block of rows [row, row + kLanes) of `a` (distance kSmallTriangle) less the product of what stands left of it.
WARPBO_VECTORIZED
void update_corner(std::int64_t row, double* a) {
  for (std::int64_t first = row; first < row + kLanes; first += kColumns) {
    Lanes x[kColumns];
#pragma GCC unroll 4
    for (int q = 0; q < kColumns; ++q) x[q] = load(a + row + (first + q) * kSmallTriangle);
    for (std::int64_t j = 0; j < row; ++j) {
      const double* column = a + j * kSmallTriangle;
      const Lanes rows = load(column + row);
#pragma GCC unroll 4
      for (int q = 0; q < kColumns; ++q) x[q] -= rows * column[first + q];
    }
#pragma GCC unroll 4
    for (int q = 0; q < kColumns; ++q) store(a + row + (first + q) * kSmallTriangle, x[q]);
  }
}

/// Scalar factorization of an n x n corner, n <= kLanes; as factor_small. `inverse` receives 1 / L[k, k].
std::int64_t factor_corner(std::int64_t n, double* a, double* inverse) {
  for (std::int64_t k = 0; k < n; ++k) {
    double* column = a + k * kSmallTriangle;
    const double pivot = column[k];
    if (!(pivot > 0) || !std::isfinite(pivot)) return k + 1;
    column[k] = std::sqrt(pivot);
    inverse[k] = 1.0 / column[k];
    for (std::int64_t i = k + 1; i < n; ++i) column[i] *= inverse[k];
    for (std::int64_t j = k + 1; j < n; ++j)
      for (std::int64_t i = j; i < n; ++i) a[i + j * kSmallTriangle] -= column[i] * column[j];
  }
  return 0;
}

}  // namespace

void invert_small(std::int64_t n, const double* l, std::int64_t ldl, double* out, std::int64_t ldo) {
  alignas(64) double x[kSmallTriangle * kSmallTriangle];
  std::fill_n(x, kSmallTriangle * n, 0.0);
  invert_columns(n, l, ldl, x);
  for (std::int64_t j = 0; j < n; ++j) std::copy(x + j + j * kSmallTriangle, x + n + j * kSmallTriangle, out + j + j * ldo);
}

std::int64_t factor_small(std::int64_t n, double* a, std::int64_t lda) {
  alignas(64) double x[kSmallTriangle * kSmallTriangle], inverse[kSmallTriangle];
  std::fill_n(x, kSmallTriangle * padded(n), 0.0);
  for (std::int64_t j = 0; j < n; ++j) std::copy(a + j + j * lda, a + n + j * lda, x + j + j * kSmallTriangle);
  // Eight rows after eight: what stands left of the diagonal block is solved against the rows above, then the block is
  // factored.
  std::int64_t info = 0;
  for (std::int64_t row = 0; row < n && info == 0; row += kLanes) {
    solve_rows(kLanes, row, x, kSmallTriangle, inverse, x + row, kSmallTriangle);
    update_corner(row, x);
    info = factor_corner(std::min(kLanes, n - row), x + row + row * kSmallTriangle, inverse + row);
    if (info != 0) info += row;
  }
  for (std::int64_t j = 0; j < n; ++j) std::copy(x + j + j * kSmallTriangle, x + n + j * kSmallTriangle, a + j + j * lda);
  return info;
}

void solve_right_small(std::int64_t m, std::int64_t n, const double* l, std::int64_t ldl, double* b, std::int64_t ldb) {
  alignas(64) double inverse[kSmallTriangle], rest[kLanes * kSmallTriangle];
  for (std::int64_t k = 0; k < n; ++k) inverse[k] = 1.0 / l[k + k * ldl];
  const std::int64_t whole = m / kLanes * kLanes, left = m - whole;
  solve_rows(whole, n, l, ldl, inverse, b, ldb);
  if (left == 0) return;
  std::fill_n(rest, kLanes * n, 0.0);
  for (std::int64_t j = 0; j < n; ++j) std::copy_n(b + whole + j * ldb, left, rest + j * kLanes);
  solve_rows(kLanes, n, l, ldl, inverse, rest, kLanes);
  for (std::int64_t j = 0; j < n; ++j) std::copy_n(rest + j * kLanes, left, b + whole + j * ldb);
}

}  // namespace warpbo::backend::cpu
