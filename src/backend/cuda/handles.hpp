/// Move-only owners of CUDA's objects. Destructors ignore errors: a lost device cannot be helped there.
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <type_traits>

namespace warpbo::backend::cuda {

template <auto destroy>
struct Destroyer {
  template <class Handle>
  void operator()(Handle* handle) const noexcept {
    (void)destroy(handle);
  }
};

template <class Handle, auto destroy>
using Owner = std::unique_ptr<std::remove_pointer_t<Handle>, Destroyer<destroy>>;

using StreamOwner = Owner<cudaStream_t, &cudaStreamDestroy>;
using EventOwner = Owner<cudaEvent_t, &cudaEventDestroy>;
using GraphOwner = Owner<cudaGraph_t, &cudaGraphDestroy>;
using GraphExecOwner = Owner<cudaGraphExec_t, &cudaGraphExecDestroy>;
using MemoryPoolOwner = Owner<cudaMemPool_t, &cudaMemPoolDestroy>;
using PinnedOwner = Owner<void*, &cudaFreeHost>;

}  // namespace warpbo::backend::cuda
