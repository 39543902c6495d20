/// The vendor's dense algebra in the stand-in: the same class by plain loops, queued as work on the stream.
#include "backend/cuda/dense.hpp"

#include "backend/cuda/check.hpp"
#include "backend/cuda/cuda_backend.hpp"
#include "emulation/emulation.hpp"

#include <cmath>
#include <functional>
#include <utility>

namespace warpbo::backend::cuda {

struct Dense::Handles {
  CudaBackend& backend;

  void enqueue(std::function<void()> work) const {
    check(emulation::enqueue(backend.stream(), std::move(work)), "queueing dense algebra", backend.device());
  }
};

namespace {

/// Element (i, j) of op(M).
double element(Op op, const double* m, std::int64_t leading, std::int64_t i, std::int64_t j) {
  return op == Op::none ? m[i + j * leading] : m[j + i * leading];
}

void multiply(const Dense::Product& p, std::int64_t member) {
  const double* a = p.a + member * p.stride_a;
  const double* b = p.b + member * p.stride_b;
  double* c = p.c + member * p.stride_c;
  for (std::int64_t j = 0; j < p.n; ++j)
    for (std::int64_t i = 0; i < p.m; ++i) {
      double sum = 0;
      for (std::int64_t k = 0; k < p.k; ++k) sum += element(p.op_a, a, p.lda, i, k) * element(p.op_b, b, p.ldb, k, j);
      double& result = c[i + j * p.ldc];
      result = p.alpha * sum + (p.beta != 0 ? p.beta * result : 0.0);
    }
}

/// x = op(L)^-1 x for numbers `step` apart.
void substitute(Op op, std::int64_t n, const double* l, std::int64_t ldl, double* x, std::int64_t step) {
  for (std::int64_t at = 0; at < n; ++at) {
    const std::int64_t i = op == Op::none ? at : n - 1 - at, begin = op == Op::none ? 0 : i + 1, end = op == Op::none ? i : n;
    double sum = x[i * step];
    for (std::int64_t k = begin; k < end; ++k) sum -= element(op, l, ldl, i, k) * x[k * step];
    x[i * step] = sum / l[i + i * ldl];
  }
}

/// As the vendor's, whose comparison lets NaN pass.
std::int32_t factor(std::int64_t n, double* a, std::int64_t lda) {
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = j; i < n; ++i) {
      double sum = a[i + j * lda];
      for (std::int64_t k = 0; k < j; ++k) sum -= a[i + k * lda] * a[j + k * lda];
      if (i == j && sum <= 0) return static_cast<std::int32_t>(j + 1);
      a[i + j * lda] = i == j ? std::sqrt(sum) : sum / a[j + j * lda];
    }
  return 0;
}

}  // namespace

Dense::Dense(CudaBackend& backend) : handles_(new Handles{backend}) {}
Dense::~Dense() = default;
void Dense::abandon() noexcept {}  // there is no library to keep away from

void Dense::gemm(const Product& product) {
  if (product.m == 0 || product.n == 0 || product.batch == 0) return;
  handles_->enqueue([product] {
    for (std::int64_t member = 0; member < product.batch; ++member) multiply(product, member);
  });
}

void Dense::solve_lower(Side side, Op op, std::int64_t m, std::int64_t n, const double* l, std::int64_t ldl, double* b,
                        std::int64_t ldb) {
  if (m == 0 || n == 0) return;
  handles_->enqueue([=] {
    // X op(L) = B is op(L)' X' = B'.
    const bool left = side == Side::left;
    const Op own = left ? op : op == Op::none ? Op::transpose : Op::none;
    for (std::int64_t at = 0; at < (left ? n : m); ++at)
      substitute(own, left ? m : n, l, ldl, left ? b + at * ldb : b + at, left ? 1 : ldb);
  });
}

void Dense::cholesky(std::int64_t n, double* a, std::int64_t lda, std::int32_t* info) {
  handles_->backend.not_replayable();
  handles_->enqueue([=] { *info = factor(n, a, lda); });
}

}  // namespace warpbo::backend::cuda
