#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/gram.hpp"

#include <algorithm>

namespace warpbo::backend {

void CpuBackend::run(const CrossGram& cross) {
  using namespace cpu;
  const std::int64_t n = cross.left.rows, m = cross.right.rows, d = cross.left.columns;
  if (n == 0 || m == 0) return;
  Scratch scratch(scratch_, ColumnScales::scratch_size(d) + padded(n) * d + padded(m) * d);
  const auto scales = ColumnScales::make(cross.kernel, cross.theta, d, scratch);
  const auto left = scales.scale(cross.left, scratch.take(scales.points_size(n)));
  const auto right = scales.scale(cross.right, scratch.take(scales.points_size(m)));
  constexpr std::int64_t kColumns = 32;
  const double cost = static_cast<double>(n * m) * covariance_cost(d);
  team_.each((m + kColumns - 1) / kColumns, cost, [&](std::int64_t chunk) {
    Scratch own(scratch_, padded(d));
    double* point = own.take(d);
    alignas(64) double squared[kStrip], value[kStrip];
    for (std::int64_t j = chunk * kColumns; j < std::min(m, (chunk + 1) * kColumns); ++j) {
      gather_point(right, j, point);
      for (std::int64_t begin = 0; begin < n; begin += kStrip) {
        squared_distances(left, begin, std::min(kStrip, padded(n) - begin), point, squared);
        covariance_values(cross.kernel.family, std::min(kStrip, padded(n) - begin), squared, value);
        std::copy_n(value, std::min(kStrip, n - begin), cross.out.data + begin + j * cross.out.leading);
      }
    }
  });
}

}  // namespace warpbo::backend
