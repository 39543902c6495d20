#include "backend/cpu/team.hpp"

#include "base/thread_pool.hpp"

#include <algorithm>
#include <atomic>

namespace warpbo::backend::cpu {

namespace {
// Waking a sleeping thread and joining it again costs 5 to 50 microseconds.
constexpr double kWakeCost = 60e3;
}  // namespace

void Team::each(std::int64_t count, double cost, const std::function<void(std::int64_t)>& body) const {
  if (count <= 0) return;
  if (limit_ == 1 || count == 1 || cost < kWakeCost) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  ThreadPool& pool = shared_thread_pool();
  if (limit_ == 0 || limit_ >= pool.threads()) return pool.parallel_for(count, body);
  std::atomic<std::int64_t> next{0};
  pool.parallel_for(std::min<std::int64_t>(limit_, count), [&](std::int64_t) {
    for (std::int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) body(i);
  });
}

}  // namespace warpbo::backend::cpu
