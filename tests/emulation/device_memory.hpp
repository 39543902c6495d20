/// The device's memory: a mapping of this process that can be touched only while a kernel or a copy runs.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

/// All pools share the memory; none keeps any for later.
struct CUmemPoolHandle_st {};

namespace warpbo::emulation {

/// Blocks are aligned to 256 bytes, filled with 0xff (NaN) when they are handed out, and have red zones between them that
/// AddressSanitizer knows.
class DeviceMemory {
 public:
  /// Of the process, for ever.
  static DeviceMemory& get();

  /// Null if fewer than `bytes` are left of the limit.
  [[nodiscard]] void* allocate(std::size_t bytes);
  /// Throws Error for anything but the address of a live block.
  void free(void* memory);
  /// True for addresses of the device, whether or not they are allocated.
  [[nodiscard]] bool contains(const void* address) const;
  /// True if all `bytes` from `address` on lie in one live block.
  [[nodiscard]] bool covers(const void* address, std::size_t bytes) const;
  [[nodiscard]] std::size_t live_bytes() const;
  void free_all();

  /// While one exists, on any thread, the memory can be touched.
  class Access {
   public:
    Access() { get().open(); }
    ~Access() { get().close(); }
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;
  };

 private:
  DeviceMemory();
  void open();
  void close();
  void protect(int protection) const;

  mutable std::mutex mutex_;
  std::byte* base_ = nullptr;
  std::size_t top_ = 0;                        // offsets below it have been handed out at least once
  std::map<std::size_t, std::size_t> blocks_;  // live ones: offset, bytes asked for
  std::size_t live_ = 0;
  int users_ = 0;  // Access objects
};

}  // namespace warpbo::emulation
