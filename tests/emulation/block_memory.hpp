/// The shared memory of the block that runs on this OS thread.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace warpbo::emulation {

inline constexpr std::size_t kSharedBytes = std::size_t{48} << 10;        ///< that every kernel can have
inline constexpr std::size_t kSharedBytesOptin = std::size_t{227} << 10;  ///< that a kernel can ask for (sm_90)

/// Every object is a heap block of its own, so that AddressSanitizer sees what is written beside it. All bytes are set to 0xff
/// when a block begins.
class BlockMemory {
 public:
  /// `opted_in`: the kernel asked for more dynamic memory than kSharedBytes.
  void begin_launch(std::size_t dynamic_bytes, bool opted_in);
  void begin_block();
  /// Throws Error if the launch takes more than a block can have.
  [[nodiscard]] void* object(const void* key, std::size_t bytes, const Where& where);
  [[nodiscard]] double* dynamic() { return dynamic_.get(); }

 private:
  struct Object {
    const void* key;
    std::size_t bytes;
    std::unique_ptr<std::byte[]> memory;
    std::int64_t launch;  // that last used it
    std::int64_t block;
  };
  void take_static(std::size_t bytes, const Where& where);

  std::vector<Object> objects_;  // of all launches so far
  std::unique_ptr<double[]> dynamic_;
  std::size_t dynamic_bytes_ = 0;
  std::size_t static_bytes_ = 0;
  bool opted_in_ = false;
  std::int64_t launch_ = 0;
  std::int64_t block_ = 0;
};

}  // namespace warpbo::emulation
