#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/improvement_loops.hpp"

#include <algorithm>

namespace warpbo::backend {

void CpuBackend::run(const Score& score) {
  using namespace cpu;
  const std::int64_t m = score.out.size;
  // About 5 nanoseconds for one EI.
  const double cost = 5.0 * static_cast<double>(m) * static_cast<double>(samples_used(score.acquisition));
  team_.each((m + kQueryStrip - 1) / kQueryStrip, cost, [&](std::int64_t task) {
    const std::int64_t first = task * kQueryStrip, count = std::min(kQueryStrip, m - first);
    const double* mean = needs_mean(score.acquisition) ? score.mean.data + first : nullptr;
    const double* variance = needs_variance(score.acquisition) ? score.variance.data + first : nullptr;
    acquisition_values(score.acquisition, count, mean, score.mean.leading, variance, score.out.data + first, nullptr, nullptr);
  });
}

}  // namespace warpbo::backend
