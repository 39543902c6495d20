#include "backend/cpu/blocked.hpp"
#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/small_triangles.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace cpu {

namespace {

/// A diagonal block: halves until invert_small takes them; what lies below is -L22^-1 L21 L11^-1.
void invert_diagonal(std::int64_t n, const double* l, std::int64_t ldl, double* out, std::int64_t ldo) {
  if (n <= kSmallTriangle) return invert_small(n, l, ldl, out, ldo);
  const std::int64_t first = padded(n / 2), second = n - first;
  double* below = out + first;
  double* corner = out + first + first * ldo;
  invert_diagonal(first, l, ldl, out, ldo);
  invert_diagonal(second, l + first + first * ldl, ldl, corner, ldo);
  for (std::int64_t j = 0; j < first; ++j) std::copy_n(l + first + j * ldl, second, below + j * ldo);
  trmm_lower(Side::right, Op::none, second, first, 1, out, ldo, below, ldo);
  trmm_lower(Side::left, Op::none, second, first, -1, corner, ldo, below, ldo);
}

/// Rows [begin, n) of block column [j, j + w) of the inverse: X_i = -X_ii (L_ij X_j + sum over k between of L_ik X_k). The
/// diagonal blocks X_ii are there already.
void invert_column(std::int64_t n, std::int64_t begin, std::int64_t j, std::int64_t w, std::int64_t width, const double* l,
                   std::int64_t ldl, double* out, std::int64_t ldo) {
  const double* above = out + j + j * ldo;
  for (std::int64_t i = begin; i < n; i += width) {
    const std::int64_t rows = std::min(width, n - i), between = i - j - w;
    double* x = out + i + j * ldo;
    for (std::int64_t c = 0; c < w; ++c) std::copy_n(l + i + (j + c) * ldl, rows, x + c * ldo);
    trmm_lower(Side::right, Op::none, rows, w, 1, above, ldo, x, ldo);
    gemm(Op::none, Op::none, rows, w, between, 1, l + i + (j + w) * ldl, ldl, above + w, ldo, 1, x, ldo);
    trmm_lower(Side::left, Op::none, rows, w, -1, out + i + i * ldo, ldo, x, ldo);
  }
}

}  // namespace

void invert_lower(std::int64_t n, std::int64_t existing, const double* l, std::int64_t ldl, double* out, std::int64_t ldo,
                  const Team& team) {
  if (n <= existing) return;
  const std::int64_t width = block_size(n);
  const std::int64_t old_blocks = (existing + width - 1) / width, new_blocks = (n - existing + width - 1) / width;
  const double size = static_cast<double>(n), fresh = static_cast<double>(n - existing);
  const auto block_width = [&](std::int64_t at) { return std::min(width, n - at); };
  team.each(new_blocks, dense_cost(fresh * static_cast<double>(width * width)), [&](std::int64_t block) {
    const std::int64_t j = existing + block * width;
    invert_diagonal(block_width(j), l + j + j * ldl, ldl, out + j + j * ldo, ldo);
  });
  // Block columns are independent; the longest come first.
  team.each(old_blocks + new_blocks, dense_cost(size * size * fresh), [&](std::int64_t task) {
    if (task < old_blocks) {
      const std::int64_t j = task * width;
      return invert_column(n, existing, j, std::min(width, existing - j), width, l, ldl, out, ldo);
    }
    const std::int64_t j = existing + (task - old_blocks) * width;
    invert_column(n, j + block_width(j), j, block_width(j), width, l, ldl, out, ldo);
  });
}

}  // namespace cpu

void CpuBackend::run(const TriangularInverse& inverse) {
  const std::int64_t n = inverse.factor.rows, batch = inverse.out.batch;
  if (n == 0) return;
  const auto member = [&](std::int64_t p, const cpu::Team& team) {
    cpu::invert_lower(n, inverse.existing, inverse.factor.member(p).data, inverse.factor.leading, inverse.out.member(p).data,
                      inverse.out.leading, team);
  };
  if (batch == 1) return member(0, team_);
  const double size = static_cast<double>(n);
  team_.each(batch, cpu::dense_cost(size * size * size), [&](std::int64_t p) { member(p, cpu::Team::alone()); });
}

}  // namespace warpbo::backend
