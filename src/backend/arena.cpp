#include "backend/memory.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {
constexpr std::size_t kAlignment = 256;
constexpr std::size_t kFirstBlock = std::size_t{1} << 20;
constexpr std::size_t kLargestBlock = std::size_t{256} << 20;  // doubling stops here: what is larger gets a block of its size
}  // namespace

void* Arena::take(std::size_t bytes) {
  bytes = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  // The rest of a block that is too small stays unused until the scope ends; blocks grow, so little is lost.
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? kFirstBlock / 2 : blocks_.back().size;
    const std::size_t size = std::max(bytes, std::min(2 * last, kLargestBlock));
    blocks_.push_back({backend_->allocate(size), size});
    used_ = 0;
  }
  void* taken = static_cast<char*>(blocks_[block_].data) + used_;
  used_ += bytes;
  total_ += bytes;
  high_water_ = std::max(high_water_, total_);
  return taken;
}

}  // namespace warpbo::backend
