/// Dense linear algebra on column-major arrays: the few BLAS routines that the CPU backend uses, under our own
/// names. Each call runs on the calling thread alone. Sizes may be 0.
#pragma once

#include <cstdint>

namespace warpbo::backend::cpu {

enum class Op : char { none = 'N', transpose = 'T' };
enum class Side : char { left = 'L', right = 'R' };

/// C (m x n) = alpha op(A) op(B) + beta C, inner size k. beta = 0 overwrites C whatever it holds.
void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, double alpha, const double* a, std::int64_t lda,
          const double* b, std::int64_t ldb, double beta, double* c, std::int64_t ldc);

/// y (n) = alpha A'x + beta y with A m x n.
void gemv_transposed(std::int64_t m, std::int64_t n, double alpha, const double* a, std::int64_t lda, const double* x,
                     double beta, double* y);

/// Lower triangle of C (n x n) = alpha A A' + beta C with A n x k.
void syrk_lower(std::int64_t n, std::int64_t k, double alpha, const double* a, std::int64_t lda, double beta, double* c,
                std::int64_t ldc);

/// B (m x n) = alpha op(L)^-1 B, or alpha B op(L)^-1 for Side::right.
void trsm_lower(Side side, Op op, std::int64_t m, std::int64_t n, double alpha, const double* l, std::int64_t ldl, double* b,
                std::int64_t ldb);

/// B (m x n) = alpha op(L) B, or alpha B op(L) for Side::right.
void trmm_lower(Side side, Op op, std::int64_t m, std::int64_t n, double alpha, const double* l, std::int64_t ldl, double* b,
                std::int64_t ldb);

}  // namespace warpbo::backend::cpu
