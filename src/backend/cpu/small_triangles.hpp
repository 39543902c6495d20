/// Kernels for diagonal blocks, where the dense library reaches a tenth of its rate.
#pragma once

#include <cstdint>

namespace warpbo::backend::cpu {

/// The largest block that invert_small takes.
inline constexpr std::int64_t kSmallTriangle = 64;

/// Lower triangle of `out` = L^-1 for n <= kSmallTriangle; the strict upper triangles are neither read nor written.
void invert_small(std::int64_t n, const double* l, std::int64_t ldl, double* out, std::int64_t ldo);

/// Lower Cholesky factor in place for n <= kSmallTriangle, and the strict upper triangle is left alone; 0, or 1 + the row of
/// the first pivot that was not positive or not finite.
std::int64_t factor_small(std::int64_t n, double* a, std::int64_t lda);

/// B (m x n) = B L'^-1 for n <= kSmallTriangle: row by row forward substitution, without inverting anything but the diagonal.
void solve_right_small(std::int64_t m, std::int64_t n, const double* l, std::int64_t ldl, double* b, std::int64_t ldb);

}  // namespace warpbo::backend::cpu
