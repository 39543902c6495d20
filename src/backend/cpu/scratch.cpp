#include "backend/cpu/scratch.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace warpbo::backend::cpu {

void* allocate_aligned(std::size_t bytes) {
  constexpr std::size_t kAlignment = 256;
  // Not worth asking for: a system that overcommits might even say yes.
  constexpr std::size_t kLargest = std::size_t{1} << 40;
  void* memory = nullptr;
  if (bytes < kLargest)
    memory = std::aligned_alloc(kAlignment, std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment));
  if (memory == nullptr)
    throw Error(ErrorCode::resource_exhausted,
                "out of memory: " + std::to_string(bytes) +
                    " bytes could not be had; use fewer observations or a machine with more memory");
  return memory;
}

ScratchPool::~ScratchPool() {
  for (const Block& block : free_) std::free(block.data);
}

ScratchPool::Block ScratchPool::take(std::int64_t doubles) {
  const std::lock_guard lock(mutex_);
  // Room to give the block back is made here, so that giving back cannot fail.
  free_.reserve(free_.size() + 64);
  auto best = free_.end();
  for (auto i = free_.begin(); i != free_.end(); ++i)
    if (i->size >= doubles && (best == free_.end() || i->size < best->size)) best = i;
  if (best == free_.end()) {
    // The largest of those that are too small makes way: sizes grow with the study, and old blocks would only pile up.
    const auto largest =
        std::max_element(free_.begin(), free_.end(), [](const Block& a, const Block& b) { return a.size < b.size; });
    if (largest != free_.end()) {
      std::free(largest->data);
      free_.erase(largest);
    }
    return {static_cast<double*>(allocate_aligned(static_cast<std::size_t>(doubles) * sizeof(double))), doubles};
  }
  const Block block = *best;
  free_.erase(best);
  return block;
}

void ScratchPool::give_back(Block block) noexcept {
  const std::lock_guard lock(mutex_);
  if (free_.size() == free_.capacity()) {
    std::free(block.data);
    return;
  }
  free_.push_back(block);
}

}  // namespace warpbo::backend::cpu
