/// Kernel launches and what a kernel may take.
#include "emulation/device_memory.hpp"
#include "emulation/scheduler.hpp"
#include "emulation/state.hpp"
#include "emulation/stream.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace warpbo::emulation {

namespace {

constexpr unsigned kMaxThreads = 1024;

/// Bytes of dynamic shared memory that kernels asked for.
struct Asked {
  std::mutex mutex;
  std::map<const void*, std::size_t> bytes;
};
Asked& asked() {
  static Asked* const only = new Asked;
  return *only;
}

std::size_t dynamic_limit(const void* kernel) {
  const std::lock_guard lock(asked().mutex);
  const auto at = asked().bytes.find(kernel);
  return at == asked().bytes.end() ? kSharedBytes : at->second;
}

cudaError_t check_shape(const cudaLaunchConfig_t& config) {
  const dim3 &grid = config.gridDim, &block = config.blockDim;
  const bool grid_fits = grid.x >= 1 && grid.x < 1u << 31 && grid.y >= 1 && grid.y < 65536 && grid.z >= 1 && grid.z < 65536;
  const bool block_fits = block.x >= 1 && block.x <= 1024 && block.y >= 1 && block.y <= 1024 && block.z >= 1 && block.z <= 64;
  return grid_fits && block_fits && block.x * block.y * block.z <= kMaxThreads ? cudaSuccess : cudaErrorInvalidConfiguration;
}

/// Counts a launch, unless it is only being recorded.
cudaError_t submit_launch(cudaStream_t handle, Work work) {
  Stream& stream = *stream_of(handle);
  if (!stream.capturing()) count({.launches = 1});
  return stream.submit(std::move(work));
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> thread) {
  return call([&] {
    if (config.numAttrs != 0) return cudaErrorNotSupported;
    if (const cudaError_t status = check_shape(config); status != cudaSuccess) return status;
    const std::size_t limit = dynamic_limit(kernel);
    if (config.dynamicSmemBytes > limit) return cudaErrorInvalidValue;
    Launch launch{config.gridDim, config.blockDim, config.dynamicSmemBytes, limit > kSharedBytes, std::move(thread)};
    return submit_launch(config.stream, [launch = std::move(launch)] {
      const DeviceMemory::Access access;
      Scheduler::here().run(launch);
    });
  });
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  return call([&] {
    return submit_launch(stream, [work = std::move(work)] {
      const DeviceMemory::Access access;
      work();
    });
  });
}

}  // namespace warpbo::emulation

using namespace warpbo::emulation;

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return call([&] {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<std::size_t>(value) > kSharedBytesOptin) return cudaErrorInvalidValue;
    const std::lock_guard lock(asked().mutex);
    asked().bytes[kernel] = std::max(kSharedBytes, static_cast<std::size_t>(value));
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  return call([&] {
    *attributes = {};
    attributes->maxThreadsPerBlock = kMaxThreads;
    attributes->ptxVersion = attributes->binaryVersion = 90;
    attributes->maxDynamicSharedSizeBytes = static_cast<int>(dynamic_limit(kernel));
    return cudaSuccess;
  });
}

/// From threads and dynamic shared memory alone; registers and static shared memory are not known here.
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int threads, std::size_t shared) {
  return call([&] {
    if (threads < 1 || threads > static_cast<int>(kMaxThreads)) return cudaErrorInvalidValue;
    const int by_threads = 2048 / ((threads + 31) / 32 * 32);
    const int by_shared = static_cast<int>((kSharedBytesOptin + 1024) / (shared + 1024));  // 1 KiB of every block is CUDA's
    *blocks = std::min({32, by_threads, by_shared});
    return cudaSuccess;
  });
}
