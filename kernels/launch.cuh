/// Launching kernels. There is no other way to launch one in this project: the typed launch function also exists on the fiber
/// stand-in of the tests.
#pragma once

#include "backend/cuda/check.hpp"
#include "backend/cuda/cuda_backend.hpp"

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace warpbo::backend::cuda {

[[nodiscard]] inline constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The shape of a launch: blocks, threads per block, bytes of dynamic shared memory.
struct Shape {
  dim3 grid;
  dim3 block;
  std::size_t shared = 0;
};

/// blocks x members blocks of `threads` threads.
[[nodiscard]] inline Shape shape(std::int64_t blocks, std::int64_t threads, std::int64_t members = 1, std::size_t shared = 0) {
  return {dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(members)), dim3(static_cast<unsigned>(threads)), shared};
}

/// Queues kernel<<<shape>>>(arguments...) on the backend's stream. An empty grid is nothing to do.
template <class... Parameters, class... Arguments>
void launch(CudaBackend& backend, const Shape& shape, void (*kernel)(Parameters...), Arguments&&... arguments) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared;
  config.stream = backend.stream();
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), "launching a kernel", backend.device());
}

/// Lets `kernel` use up to `bytes` of dynamic shared memory (more than 48 KiB has to be asked for).
template <class... Parameters>
void allow_shared(CudaBackend& backend, void (*kernel)(Parameters...), std::size_t bytes) {
  if (bytes <= std::size_t{48} << 10) return;
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(bytes)),
        "asking for shared memory", backend.device());
}

}  // namespace warpbo::backend::cuda
