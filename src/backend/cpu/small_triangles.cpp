#include "backend/cpu/small_triangles.hpp"

#include "backend/cpu/vectorize.hpp"

#include <algorithm>

namespace warpbo::backend::cpu {

namespace {

[[gnu::always_inline]] inline Lanes load(const double* from) { return *reinterpret_cast<const Lanes*>(from); }

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
      *reinterpret_cast<Lanes*>(target + row) = ((sum0 + sum1) + (sum2 + sum3)) * -pivot;
    }
    target[k] = pivot;
  }
}

}  // namespace

void invert_small(std::int64_t n, const double* l, std::int64_t ldl, double* out, std::int64_t ldo) {
  alignas(64) double x[kSmallTriangle * kSmallTriangle];
  std::fill_n(x, kSmallTriangle * n, 0.0);
  invert_columns(n, l, ldl, x);
  for (std::int64_t j = 0; j < n; ++j) std::copy(x + j + j * kSmallTriangle, x + n + j * kSmallTriangle, out + j + j * ldo);
}

}  // namespace warpbo::backend::cpu
