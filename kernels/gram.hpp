/// Kernel matrices as a part of other operations.
#pragma once

#include "backend/cuda/cuda_backend.hpp"

#include <cstdint>

namespace warpbo::backend::cuda {

/// Gram of backend.hpp for the first *active members (device memory; null: all). With `data` (device memory), member a has the
/// points, noise weights and categorical columns of data[indices[a]], and a unit diagonal beyond its own size.
void fill_gram(CudaBackend& backend, const Gram& gram, const std::int32_t* active, const LikelihoodData* data = nullptr,
               const std::int32_t* indices = nullptr);

}  // namespace warpbo::backend::cuda
