/// Shared memory of a block. The fiber stand-in has a file of the same name that poisons it before every block.
#pragma once

#include <cuda_runtime.h>

namespace warpbo::backend::cuda {

/// One object per block, the same wherever this is called with the same type. Uninitialized.
template <class T>
__device__ __forceinline__ T& block_shared() {
  __shared__ T storage;
  return storage;
}

/// The dynamic shared memory that the launch asked for.
__device__ __forceinline__ double* dynamic_shared() {
  extern __shared__ double warpbo_dynamic_shared[];
  return warpbo_dynamic_shared;
}

}  // namespace warpbo::backend::cuda
