/// Factorization and inversion in blocks, so that several threads share one matrix while the dense library underneath stays on
/// one. The blocks depend on the sizes alone, so results do not depend on how many threads there are.
#pragma once

#include "backend/cpu/dense.hpp"
#include "backend/cpu/team.hpp"

#include <cstdint>

namespace warpbo::backend::cpu {

/// Width of blocks for an n x n matrix; a multiple of kLanes.
std::int64_t block_size(std::int64_t n);

/// Lower triangle of A -> L in place; `existing` rows are factored already. 0, or 1 + the first row whose pivot was bad.
std::int32_t factor_lower(std::int64_t n, std::int64_t existing, double* a, std::int64_t lda, const Team& team);

/// Lower triangle of `out` = L^-1; the leading `existing` x `existing` block of it is right already. The strict upper triangle
/// of neither is touched.
void invert_lower(std::int64_t n, std::int64_t existing, const double* l, std::int64_t ldl, double* out, std::int64_t ldo,
                  const Team& team);

/// Columns of C (n x m) = alpha op(L) op(B) + beta C for lower triangular L, on the calling thread; the team helps where the
/// columns are few. `block` is workspace of block_size(n)^2 doubles. C and B do not overlap.
void multiply_lower(Op op, std::int64_t n, std::int64_t m, double alpha, const double* l, std::int64_t ldl, Op op_b,
                    const double* b, std::int64_t ldb, double beta, double* c, std::int64_t ldc, double* block,
                    const Team& team);

/// Rough nanoseconds of `flops` floating-point operations inside the dense library, on one core.
inline double dense_cost(double flops) { return flops / 40.0; }

}  // namespace warpbo::backend::cpu
