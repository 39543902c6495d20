#include "emulation/pinned_memory.hpp"

#include "emulation/emulation.hpp"

#include <iterator>
#include <new>

namespace warpbo::emulation {

PinnedMemory& PinnedMemory::get() {
  static PinnedMemory* const only = new PinnedMemory;
  return *only;
}

void* PinnedMemory::allocate(std::size_t bytes) {
  void* memory = ::operator new(bytes, std::nothrow);
  if (memory == nullptr) return nullptr;
  const std::lock_guard lock(mutex_);
  blocks_[static_cast<std::byte*>(memory)] = bytes;
  return memory;
}

void PinnedMemory::free(void* memory) {
  const std::lock_guard lock(mutex_);
  if (blocks_.erase(static_cast<std::byte*>(memory)) == 0)
    throw Error("cudaFreeHost of memory that is not pinned, or was freed before");
  ::operator delete(memory);
}

void PinnedMemory::clear() {
  const std::lock_guard lock(mutex_);
  for (const auto& [begin, bytes] : blocks_) ::operator delete(const_cast<std::byte*>(begin));
  blocks_.clear();
}

bool PinnedMemory::contains(const void* address) const {
  const std::lock_guard lock(mutex_);
  const auto* byte = static_cast<const std::byte*>(address);
  const auto after = blocks_.upper_bound(byte);
  return after != blocks_.begin() && byte < std::prev(after)->first + std::prev(after)->second;
}

std::size_t PinnedMemory::blocks() const {
  const std::lock_guard lock(mutex_);
  return blocks_.size();
}

}  // namespace warpbo::emulation
