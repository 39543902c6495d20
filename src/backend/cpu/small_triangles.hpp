/// Kernels for diagonal blocks, where the dense library reaches a tenth of its rate.
#pragma once

#include <cstdint>

namespace warpbo::backend::cpu {

/// The largest block that invert_small takes.
inline constexpr std::int64_t kSmallTriangle = 64;

/// Lower triangle of `out` = L^-1 for n <= kSmallTriangle; the strict upper triangles are neither read nor written.
void invert_small(std::int64_t n, const double* l, std::int64_t ldl, double* out, std::int64_t ldo);

}  // namespace warpbo::backend::cpu
