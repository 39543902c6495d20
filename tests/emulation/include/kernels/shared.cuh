/// Shared memory of a block, in the stand-in: takes the place of kernels/shared.cuh, whose functions it has. All bytes are 0xff
/// (as doubles: NaN) when a block begins.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>

namespace warpbo::emulation {

/// The running block's object under `key`, made when first asked for.
void* block_object(const void* key, std::size_t bytes, const Where& where);
double* block_dynamic_memory();

template <class T>
inline char kSharedKey;

}  // namespace warpbo::emulation

namespace warpbo::backend::cuda {

/// One object per block, the same wherever this is called with the same type. Uninitialized.
template <class T>
T& block_shared(const emulation::Where& where = emulation::Where::current()) {
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_copyable_v<T>);
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  return *static_cast<T*>(emulation::block_object(&emulation::kSharedKey<T>, sizeof(T), where));
}

/// The dynamic shared memory that the launch asked for.
inline double* dynamic_shared() { return emulation::block_dynamic_memory(); }

}  // namespace warpbo::backend::cuda
