#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/features.hpp"

#include <algorithm>

namespace warpbo::backend {

void CpuBackend::run(const EvaluateFeatures& call) {
  using namespace cpu;
  const std::int64_t m = call.points.rows, count = call.features.frequencies.rows;
  if (count == 0) return;
  constexpr std::int64_t kPoints = 16;
  team_.each((m + kPoints - 1) / kPoints, static_cast<double>(m) * feature_cost(call.features, call.points.columns),
             [&](std::int64_t task) {
               Scratch scratch(scratch_, padded(count));
               double* angle = scratch.take(count);
               for (std::int64_t i = task * kPoints; i < std::min(m, (task + 1) * kPoints); ++i) {
                 feature_angles(call.features, call.points, i, angle);
                 double* column = call.out.data + i * call.out.leading;
                 cosines_and_sines(count, angle, column, column + count);
               }
             });
}

}  // namespace warpbo::backend
