#include "backend/cpu/gram.hpp"

#include "backend/cpu/cpu_backend.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace warpbo::backend {

namespace cpu {

namespace {

constexpr std::int64_t kColumns = 32;

/// Columns [first, last) of the lower triangle.
void gram_columns(math::KernelFamily family, const ScaledPoints& points, const Nugget& nugget, std::int64_t first,
                  std::int64_t last, double* point, double* out, std::int64_t leading) {
  alignas(64) double squared[kStrip], value[kStrip];
  const std::int64_t n = points.rows, rows_end = padded(n);
  for (std::int64_t j = first; j < last; ++j) {
    gather_point(points, j, point);
    // Strips begin at the multiple of kLanes at or above the diagonal; what lies above it is not stored.
    for (std::int64_t begin = j / kLanes * kLanes; begin < n; begin += kStrip) {
      const std::int64_t rows = std::min(kStrip, rows_end - begin);
      squared_distances(points, begin, rows, point, squared);
      covariance_values(family, rows, squared, value);
      const std::int64_t from = std::max(begin, j), to = std::min(begin + rows, n);
      std::copy(value + (from - begin), value + (to - begin), out + from + j * leading);
    }
    out[j + j * leading] += nugget.at(j);
  }
}

}  // namespace

void fill_gram(math::KernelFamily family, const ScaledPoints& points, const Nugget& nugget, double* out, std::int64_t leading,
               const Team& team) {
  const std::int64_t n = points.rows;
  const double cost = 0.5 * static_cast<double>(n) * static_cast<double>(n) * covariance_cost(points.columns);
  team.each((n + kColumns - 1) / kColumns, cost, [&](std::int64_t chunk) {
    thread_local std::vector<double> point;
    point.resize(static_cast<std::size_t>(points.columns));
    gram_columns(family, points, nugget, chunk * kColumns, std::min(n, (chunk + 1) * kColumns), point.data(), out, leading);
  });
}

}  // namespace cpu

void CpuBackend::run(const Gram& gram) {
  const std::int64_t n = gram.points.rows, d = gram.points.columns, batch = gram.out.batch;
  if (n == 0) return;
  const auto member = [&](std::int64_t p, const cpu::Team& team) {
    cpu::Scratch scratch(scratch_, cpu::ColumnScales::scratch_size(d) + cpu::padded(n) * d);
    const ConstMatrix theta = gram.theta.block(p, 0, 1, d + 1);
    const auto scales = cpu::ColumnScales::make(gram.kernel, theta, d, scratch);
    const auto points = scales.scale(gram.points.member(p), scratch.take(scales.points_size(n)));
    const cpu::Nugget nugget{std::exp(theta.data[d * theta.leading]), gram.noise_weights, gram.jitter};
    const Matrix out = gram.out.member(p);
    cpu::fill_gram(gram.kernel.family, points, nugget, out.data, out.leading, team);
  };
  if (batch == 1) return member(0, team_);
  const double cost = 0.5 * static_cast<double>(batch * n * n) * cpu::covariance_cost(d);
  team_.each(batch, cost, [&](std::int64_t p) { member(p, cpu::Team::alone()); });
}

}  // namespace warpbo::backend
