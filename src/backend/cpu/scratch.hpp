/// Temporaries of one operation. Blocks are kept for the next operation, so a loop allocates only in its first round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace warpbo::backend::cpu {

/// Arrays handed out by Scratch begin on a cache line and their sizes count in whole lines of 8 doubles.
inline constexpr std::int64_t kLanes = 8;
constexpr std::int64_t padded(std::int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

class ScratchPool {
 public:
  ScratchPool() = default;
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;
  ~ScratchPool();

  struct Block {
    double* data = nullptr;
    std::int64_t size = 0;
  };
  Block take(std::int64_t doubles);
  void give_back(Block block) noexcept;

 private:
  std::mutex mutex_;
  std::vector<Block> free_;
};

/// A block on loan, cut into arrays in order.
class Scratch {
 public:
  /// `doubles`: the sum of padded() over the arrays that will be taken.
  Scratch(ScratchPool& pool, std::int64_t doubles) : pool_(pool), block_(pool.take(doubles)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { pool_.give_back(block_); }

  double* take(std::int64_t doubles) noexcept {
    double* taken = block_.data + used_;
    used_ += padded(doubles);
    return taken;
  }

 private:
  ScratchPool& pool_;
  ScratchPool::Block block_;
  std::int64_t used_ = 0;
};

/// Aligned to 256 bytes. Throws Error resource_exhausted.
void* allocate_aligned(std::size_t bytes);

}  // namespace warpbo::backend::cpu
