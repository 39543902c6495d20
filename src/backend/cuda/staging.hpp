/// Pinned memory through which everything between host and device passes, so that an upload returns as soon as the caller's
/// bytes have been copied aside, and the copy engine runs at full speed.
#pragma once

#include "backend/cuda/handles.hpp"

#include <cstddef>

namespace warpbo::backend::cuda {

class Staging {
 public:
  explicit Staging(int device) : device_(device) {}

  /// Queues a copy to the device; `from` may be changed as soon as this returns.
  void upload(void* to, const void* from, std::size_t bytes, cudaStream_t stream);
  /// Waits for all earlier work of the stream and copies to the host.
  void download(void* to, const void* from, std::size_t bytes, cudaStream_t stream);
  /// Lets go of everything without a call to CUDA.
  void abandon() noexcept;

 private:
  /// Two halves take turns: while the device reads one, the host fills the other.
  struct Half {
    PinnedOwner memory;
    EventOwner read;  // the device has read what the half held
    std::size_t used = 0;
  };
  void prepare();
  [[nodiscard]] PinnedOwner pinned() const;
  Half& half_with_room(std::size_t bytes);

  int device_;
  Half halves_[2];
  int current_ = 0;
  PinnedOwner returned_;  // where downloads land
};

}  // namespace warpbo::backend::cuda
