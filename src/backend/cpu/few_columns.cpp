#include "backend/cpu/few_columns.hpp"

#include "backend/cpu/blocked.hpp"
#include "backend/cpu/vectorize.hpp"

#include <algorithm>

namespace warpbo::backend::cpu {

namespace {

/// Columns of B that are worked on at a time: with two columns of L, their eight factors or sums stay in registers.
constexpr int kTogether = 4;
/// Rows of a block: what is read and written of B and C stays in the first-level cache while the columns of L pass by.
constexpr std::int64_t kRows = 128;
constexpr std::int64_t kHalf = kLanes / 2;

[[gnu::always_inline]] inline HalfLanes load_half(const double* from) { return *reinterpret_cast<const HalfLanes*>(from); }
[[gnu::always_inline]] inline void store_half(double* to, const HalfLanes& lanes) { *reinterpret_cast<HalfLanes*>(to) = lanes; }

/// Rows [first, end) of C += alpha L B, from C columns of L that lie wholly below the diagonal there.
template <int Q, int Columns>
[[gnu::always_inline]] inline void add_columns(std::int64_t first, std::int64_t end, double alpha, const double* l,
                                               std::int64_t ldl, const double* b, std::int64_t ldb, double* c,
                                               std::int64_t ldc) {
  double factor[Columns][Q];
#pragma GCC unroll 2
  for (int j = 0; j < Columns; ++j)
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) factor[j][q] = alpha * b[j + q * ldb];
  std::int64_t i = first;
  for (; i + kHalf <= end; i += kHalf) {
    HalfLanes column[Columns];
#pragma GCC unroll 2
    for (int j = 0; j < Columns; ++j) column[j] = load_half(l + i + j * ldl);
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) {
      HalfLanes sum = load_half(c + i + q * ldc);
#pragma GCC unroll 2
      for (int j = 0; j < Columns; ++j) sum += column[j] * factor[j][q];
      store_half(c + i + q * ldc, sum);
    }
  }
  for (; i < end; ++i)
    for (int q = 0; q < Q; ++q)
      for (int j = 0; j < Columns; ++j) c[i + q * ldc] += l[i + j * ldl] * factor[j][q];
}

/// Rows [first, end) of C += alpha L B.
template <int Q>
[[gnu::always_inline]] inline void add_rows(std::int64_t first, std::int64_t end, double alpha, const double* l,
                                            std::int64_t ldl, const double* b, std::int64_t ldb, double* c, std::int64_t ldc) {
  std::int64_t j = 0;
  for (; j + 2 <= end; j += 2) {
    const double* column = l + j * ldl;
    if (j >= first)
      for (int q = 0; q < Q; ++q) c[j + q * ldc] += alpha * column[j] * b[j + q * ldb];
    add_columns<Q, 2>(std::max(first, j + 1), end, alpha, column, ldl, b + j, ldb, c, ldc);
  }
  if (j < end) add_columns<Q, 1>(std::max(first, j), end, alpha, l + j * ldl, ldl, b + j, ldb, c, ldc);
}

/// c[j + q ldc] += alpha sum over rows [first, end) of L[i, j] B[i, q], for C columns of L.
template <int Q, int Columns>
[[gnu::always_inline]] inline void add_products(std::int64_t first, std::int64_t end, double alpha, const double* l,
                                                std::int64_t ldl, const double* b, std::int64_t ldb, double* c,
                                                std::int64_t ldc) {
  HalfLanes sum[Columns][Q] = {};
  double rest[Columns][Q] = {};
  std::int64_t i = first;
  for (; i + kHalf <= end; i += kHalf) {
    HalfLanes column[Columns];
#pragma GCC unroll 2
    for (int j = 0; j < Columns; ++j) column[j] = load_half(l + i + j * ldl);
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) {
      const HalfLanes rows = load_half(b + i + q * ldb);
#pragma GCC unroll 2
      for (int j = 0; j < Columns; ++j) sum[j][q] += column[j] * rows;
    }
  }
  for (; i < end; ++i)
    for (int q = 0; q < Q; ++q)
      for (int j = 0; j < Columns; ++j) rest[j][q] += l[i + j * ldl] * b[i + q * ldb];
#pragma GCC unroll 2
  for (int j = 0; j < Columns; ++j)
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) {
      const HalfLanes& lanes = sum[j][q];
      c[j + q * ldc] += alpha * (((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + rest[j][q]);
    }
}

/// Rows [first, end) of C += alpha L'B: what the columns [first, end) of L contribute, block of rows after block.
template <int Q>
[[gnu::always_inline]] inline void add_rows_transposed(std::int64_t n, std::int64_t first, std::int64_t end, double alpha,
                                                       const double* l, std::int64_t ldl, const double* b, std::int64_t ldb,
                                                       double* c, std::int64_t ldc) {
  for (std::int64_t row = first; row < n; row += kRows) {
    const std::int64_t below = std::min(row + kRows, n), last = std::min(end, below);
    std::int64_t j = first;
    for (; j + 2 <= last; j += 2) {
      const double* column = l + j * ldl;
      if (j >= row)
        for (int q = 0; q < Q; ++q) c[j + q * ldc] += alpha * column[j] * b[j + q * ldb];
      add_products<Q, 2>(std::max(row, j + 1), below, alpha, column, ldl, b, ldb, c + j, ldc);
    }
    if (j < last) add_products<Q, 1>(std::max(row, j), below, alpha, l + j * ldl, ldl, b, ldb, c + j, ldc);
  }
}

void scale(std::int64_t first, std::int64_t end, std::int64_t m, double beta, double* c, std::int64_t ldc) {
  for (std::int64_t q = 0; q < m; ++q) {
    double* column = c + q * ldc;
    if (beta == 0)
      std::fill(column + first, column + end, 0.0);
    else if (beta != 1)
      for (std::int64_t i = first; i < end; ++i) column[i] *= beta;
  }
}

WARPBO_VECTORIZED
void add_few(std::int64_t first, std::int64_t end, std::int64_t m, double alpha, const double* l, std::int64_t ldl,
             const double* b, std::int64_t ldb, double* c, std::int64_t ldc) {
  std::int64_t q = 0;
  for (; q + kTogether <= m; q += kTogether) add_rows<kTogether>(first, end, alpha, l, ldl, b + q * ldb, ldb, c + q * ldc, ldc);
  for (; q < m; ++q) add_rows<1>(first, end, alpha, l, ldl, b + q * ldb, ldb, c + q * ldc, ldc);
}

WARPBO_VECTORIZED
void add_few_transposed(std::int64_t n, std::int64_t first, std::int64_t end, std::int64_t m, double alpha, const double* l,
                        std::int64_t ldl, const double* b, std::int64_t ldb, double* c, std::int64_t ldc) {
  std::int64_t q = 0;
  for (; q + kTogether <= m; q += kTogether)
    add_rows_transposed<kTogether>(n, first, end, alpha, l, ldl, b + q * ldb, ldb, c + q * ldc, ldc);
  for (; q < m; ++q) add_rows_transposed<1>(n, first, end, alpha, l, ldl, b + q * ldb, ldb, c + q * ldc, ldc);
}

double cost(std::int64_t n, std::int64_t m) { return dense_cost(static_cast<double>(n * n * std::max<std::int64_t>(m, 4))); }

}  // namespace

void multiply_few(std::int64_t n, std::int64_t m, double alpha, const double* l, std::int64_t ldl, const double* b,
                  std::int64_t ldb, double beta, double* c, std::int64_t ldc, const Team& team) {
  const std::int64_t blocks = (n + kRows - 1) / kRows;
  team.each(blocks, cost(n, m), [&](std::int64_t task) {
    const std::int64_t first = (blocks - 1 - task) * kRows, end = std::min(first + kRows, n);  // the longest first
    scale(first, end, m, beta, c, ldc);
    add_few(first, end, m, alpha, l, ldl, b, ldb, c, ldc);
  });
}

void multiply_few_transposed(std::int64_t n, std::int64_t m, double alpha, const double* l, std::int64_t ldl, const double* b,
                             std::int64_t ldb, double beta, double* c, std::int64_t ldc, const Team& team) {
  team.each((n + kRows - 1) / kRows, cost(n, m), [&](std::int64_t task) {
    const std::int64_t first = task * kRows, end = std::min(first + kRows, n);
    scale(first, end, m, beta, c, ldc);
    add_few_transposed(n, first, end, m, alpha, l, ldl, b, ldb, c, ldc);
  });
}

}  // namespace warpbo::backend::cpu
