#include "backend/cuda/staging.hpp"

#include "backend/cuda/check.hpp"

#include <algorithm>
#include <cstring>

namespace warpbo::backend::cuda {

namespace {
constexpr std::size_t kHalf = std::size_t{1} << 20;
constexpr std::size_t kAlignment = 64;
}  // namespace

void Staging::prepare() {
  if (returned_) return;
  for (Half& half : halves_) {
    half.memory = pinned();
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event", device_);
    half.read.reset(event);
  }
  returned_ = pinned();
}

PinnedOwner Staging::pinned() const {
  void* memory = nullptr;
  check(cudaMallocHost(&memory, kHalf), "allocating pinned memory", device_);
  return PinnedOwner(memory);
}

Staging::Half& Staging::half_with_room(std::size_t bytes) {
  prepare();
  if (halves_[current_].used + bytes > kHalf) {
    current_ = 1 - current_;
    check(cudaEventSynchronize(halves_[current_].read.get()), "waiting for an upload", device_);
    halves_[current_].used = 0;
  }
  return halves_[current_];
}

void Staging::upload(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t part = std::min(bytes - done, kHalf);
    Half& half = half_with_room(part);
    char* staged = static_cast<char*>(half.memory.get()) + half.used;
    std::memcpy(staged, static_cast<const char*>(from) + done, part);
    check(cudaMemcpyAsync(static_cast<char*>(to) + done, staged, part, cudaMemcpyHostToDevice, stream), "uploading", device_);
    check(cudaEventRecord(half.read.get(), stream), "recording an event", device_);
    half.used += (part + kAlignment - 1) / kAlignment * kAlignment;
    done += part;
  }
}

void Staging::download(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  prepare();
  if (bytes == 0) check(cudaStreamSynchronize(stream), "waiting for the device", device_);
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t part = std::min(bytes - done, kHalf);
    check(cudaMemcpyAsync(returned_.get(), static_cast<const char*>(from) + done, part, cudaMemcpyDeviceToHost, stream),
          "downloading", device_);
    check(cudaStreamSynchronize(stream), "waiting for the device", device_);
    std::memcpy(static_cast<char*>(to) + done, returned_.get(), part);
    done += part;
  }
}

void Staging::abandon() noexcept {
  for (Half& half : halves_) {
    (void)half.memory.release();
    (void)half.read.release();
  }
  (void)returned_.release();
}

}  // namespace warpbo::backend::cuda
