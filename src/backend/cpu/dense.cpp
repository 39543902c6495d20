// The only file that names BLAS. Fortran entry points, declared here: no header of any implementation is needed, and
// any implementation with 32-bit integers links.
#include "backend/cpu/dense.hpp"

#include <algorithm>
#include <cstddef>

extern "C" {
// Hidden lengths of the character arguments come last in the Fortran convention.
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*, const int*,
            const double*, const int*, const double*, double*, const int*, std::size_t, std::size_t);
void dgemv_(const char*, const int*, const int*, const double*, const double*, const int*, const double*, const int*,
            const double*, double*, const int*, std::size_t);
void dsyrk_(const char*, const char*, const int*, const int*, const double*, const double*, const int*, const double*, double*,
            const int*, std::size_t, std::size_t);
void dtrsm_(const char*, const char*, const char*, const char*, const int*, const int*, const double*, const double*,
            const int*, double*, const int*, std::size_t, std::size_t, std::size_t, std::size_t);
void dtrmm_(const char*, const char*, const char*, const char*, const int*, const int*, const double*, const double*,
            const int*, double*, const int*, std::size_t, std::size_t, std::size_t, std::size_t);
}

namespace warpbo::backend::cpu {

namespace {

// A matrix with a side of 2^31 would not fit into any memory: sizes always fit.
int as_int(std::int64_t value) { return static_cast<int>(value); }
int leading(std::int64_t value) { return static_cast<int>(std::max<std::int64_t>(value, 1)); }

void scale(std::int64_t m, std::int64_t n, double beta, double* c, std::int64_t ldc) {
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < m; ++i) c[i + j * ldc] = beta == 0 ? 0 : beta * c[i + j * ldc];
}

}  // namespace

void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, double alpha, const double* a, std::int64_t lda,
          const double* b, std::int64_t ldb, double beta, double* c, std::int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) return scale(m, n, beta, c, ldc);
  const char ta = static_cast<char>(op_a), tb = static_cast<char>(op_b);
  const int im = as_int(m), in = as_int(n), ik = as_int(k), ia = leading(lda), ib = leading(ldb), ic = leading(ldc);
  dgemm_(&ta, &tb, &im, &in, &ik, &alpha, a, &ia, b, &ib, &beta, c, &ic, 1, 1);
}

void gemv_transposed(std::int64_t m, std::int64_t n, double alpha, const double* a, std::int64_t lda, const double* x,
                     double beta, double* y) {
  if (n <= 0) return;
  if (m <= 0) return scale(n, 1, beta, y, n);
  const int im = as_int(m), in = as_int(n), ia = leading(lda), one = 1;
  dgemv_("T", &im, &in, &alpha, a, &ia, x, &one, &beta, y, &one, 1);
}

void syrk_lower(std::int64_t n, std::int64_t k, double alpha, const double* a, std::int64_t lda, double beta, double* c,
                std::int64_t ldc) {
  if (n <= 0 || k <= 0) return;
  const int in = as_int(n), ik = as_int(k), ia = leading(lda), ic = leading(ldc);
  dsyrk_("L", "N", &in, &ik, &alpha, a, &ia, &beta, c, &ic, 1, 1);
}

void trsm_lower(Side side, Op op, std::int64_t m, std::int64_t n, double alpha, const double* l, std::int64_t ldl, double* b,
                std::int64_t ldb) {
  if (m <= 0 || n <= 0) return;
  const char s = static_cast<char>(side), t = static_cast<char>(op);
  const int im = as_int(m), in = as_int(n), il = leading(ldl), ib = leading(ldb);
  dtrsm_(&s, "L", &t, "N", &im, &in, &alpha, l, &il, b, &ib, 1, 1, 1, 1);
}

void trmm_lower(Side side, Op op, std::int64_t m, std::int64_t n, double alpha, const double* l, std::int64_t ldl, double* b,
                std::int64_t ldb) {
  if (m <= 0 || n <= 0) return;
  const char s = static_cast<char>(side), t = static_cast<char>(op);
  const int im = as_int(m), in = as_int(n), il = leading(ldl), ib = leading(ldb);
  dtrmm_(&s, "L", &t, "N", &im, &in, &alpha, l, &il, b, &ib, 1, 1, 1, 1);
}

}  // namespace warpbo::backend::cpu
