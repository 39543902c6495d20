#include "backend/cpu/cpu_backend.hpp"
#include "math/philox.hpp"
#include "math/sobol.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

constexpr std::int64_t kRows = 256;
/// Rough nanoseconds of one number.
constexpr double kCost = 20;

/// out(i, k) = value(i, k) for all elements, in chunks of rows.
template <class F>
void fill_each(const Matrix& out, const cpu::Team& team, F&& value) {
  if (out.empty()) return;
  team.each((out.rows + kRows - 1) / kRows, kCost * static_cast<double>(out.rows * out.columns), [&](std::int64_t chunk) {
    const std::int64_t end = std::min(out.rows, (chunk + 1) * kRows);
    for (std::int64_t k = 0; k < out.columns; ++k)
      for (std::int64_t i = chunk * kRows; i < end; ++i)
        out.data[i + k * out.leading] = value(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(k));
  });
}

}  // namespace

void CpuBackend::run(const FillSobol& fill) {
  const math::SobolDirections& directions = math::sobol_directions();
  fill_each(fill.out, team_, [&](std::uint64_t i, std::uint64_t k) {
    return math::sobol_uniform(directions, fill.seed, static_cast<std::uint64_t>(fill.first) + i, k);
  });
}

void CpuBackend::run(const FillRandom& fill) {
  fill_each(fill.out, team_, [&](std::uint64_t i, std::uint64_t k) {
    const double factor = fill.row_factors.empty() ? 1.0 : fill.row_factors.data[i];
    return factor * (fill.normal ? math::philox_normal(fill.seed, fill.stream, i, k)
                                 : math::philox_uniform(fill.seed, fill.stream, i, k));
  });
}

}  // namespace warpbo::backend
