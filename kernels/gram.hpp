/// Kernel matrices as a part of other operations.
#pragma once

#include "backend/cuda/cuda_backend.hpp"

#include <cstdint>

namespace warpbo::backend::cuda {

/// Gram of backend.hpp for the first *active members (device memory; null: all).
void fill_gram(CudaBackend& backend, const Gram& gram, const std::int32_t* active);

}  // namespace warpbo::backend::cuda
