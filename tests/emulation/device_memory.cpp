#include "emulation/device_memory.hpp"

#include "emulation/sanitizers.hpp"
#include "emulation/state.hpp"

#include <sys/mman.h>

#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <sstream>

namespace warpbo::emulation {

namespace {

constexpr std::size_t kAlignment = 256;                    // of blocks, and the least red zone behind each
constexpr std::size_t kAddresses = std::size_t{64} << 30;  // reserved; a page takes memory once it is written

// What is opened and closed in one piece. With large pages a launch costs 7 us instead of 80 when 8 MB were ever in use, and 9
// us instead of 3,400 with 200 MB.
constexpr std::size_t kLargePage = std::size_t{2} << 20;

constexpr std::size_t room(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment + kAlignment; }

}  // namespace

DeviceMemory& DeviceMemory::get() {
  static DeviceMemory* const only = new DeviceMemory;
  return *only;
}

DeviceMemory::DeviceMemory() {
  std::size_t length = kAddresses + kLargePage;
  void* mapping = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<std::byte*>(std::align(kLargePage, kAddresses, mapping, length));
  (void)madvise(base_, kAddresses, MADV_HUGEPAGE);
  top_ = kAlignment;  // a red zone before the first block
  sanitizers::poison(base_, kAlignment);
}

void* DeviceMemory::allocate(std::size_t bytes) {
  const Access access;
  const std::size_t limit = options().memory_limit;
  const std::lock_guard lock(mutex_);
  if (bytes > limit || live_ > limit - bytes) return nullptr;
  // The first gap that is wide enough.
  std::size_t offset = kAlignment;
  for (const auto& [begin, length] : blocks_) {
    if (begin - offset >= room(bytes)) break;
    offset = begin + room(length);
  }
  if (offset + room(bytes) > kAddresses) return nullptr;
  if (offset + room(bytes) > top_) {
    top_ = offset + room(bytes);
    protect(PROT_READ | PROT_WRITE);
  }
  blocks_.emplace(offset, bytes);
  live_ += bytes;
  std::byte* memory = base_ + offset;
  sanitizers::unpoison(memory, bytes);
  sanitizers::poison(memory + bytes, room(bytes) - bytes);
  std::memset(memory, 0xff, bytes);
  count({.allocations = 1, .peak_bytes = static_cast<std::int64_t>(live_)});
  return memory;
}

void DeviceMemory::free(void* memory) {
  const std::lock_guard lock(mutex_);
  const auto at =
      contains(memory) ? blocks_.find(static_cast<std::size_t>(static_cast<std::byte*>(memory) - base_)) : blocks_.end();
  if (at == blocks_.end()) {
    std::ostringstream text;
    text << "freed " << memory << ", which is no live block of device memory (freed twice, or never allocated)";
    throw Error(text.str());
  }
  live_ -= at->second;
  sanitizers::poison(memory, at->second);
  blocks_.erase(at);
}

void DeviceMemory::free_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [offset, bytes] : blocks_) sanitizers::poison(base_ + offset, bytes);
  blocks_.clear();
  live_ = 0;
}

bool DeviceMemory::contains(const void* address) const {
  const auto* byte = static_cast<const std::byte*>(address);
  return byte >= base_ && byte < base_ + kAddresses;
}

bool DeviceMemory::covers(const void* address, std::size_t bytes) const {
  if (!contains(address)) return false;
  const std::lock_guard lock(mutex_);
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_);
  const auto after = blocks_.upper_bound(offset);
  if (after == blocks_.begin()) return false;
  const auto& [begin, length] = *std::prev(after);
  return offset - begin <= length && bytes <= length - (offset - begin);
}

std::size_t DeviceMemory::live_bytes() const {
  const std::lock_guard lock(mutex_);
  return live_;
}

void DeviceMemory::open() {
  const std::lock_guard lock(mutex_);
  if (users_++ == 0) protect(PROT_READ | PROT_WRITE);
}

void DeviceMemory::close() {
  const std::lock_guard lock(mutex_);
  if (--users_ == 0) protect(PROT_NONE);
}

void DeviceMemory::protect(int protection) const {
  if (mprotect(base_, (top_ + kLargePage - 1) / kLargePage * kLargePage, protection) != 0)
    throw Error("mprotect failed on device memory");
}

std::size_t live_bytes() { return DeviceMemory::get().live_bytes(); }

}  // namespace warpbo::emulation
