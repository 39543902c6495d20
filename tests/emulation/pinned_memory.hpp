/// Page-locked host memory: what copies read and write when they run, not when they are queued.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

namespace warpbo::emulation {

class PinnedMemory {
 public:
  /// Of the process, for ever.
  static PinnedMemory& get();

  [[nodiscard]] void* allocate(std::size_t bytes);  ///< null if there is none left
  void free(void* memory);                          ///< throws Error for anything but the address of a block
  void clear();
  [[nodiscard]] bool contains(const void* address) const;
  [[nodiscard]] std::size_t blocks() const;

 private:
  mutable std::mutex mutex_;
  std::map<const std::byte*, std::size_t> blocks_;  // begin, bytes
};

}  // namespace warpbo::emulation
