/// Angles of random Fourier features, the part that all kernels over function samples share.
#pragma once

#include "backend/backend.hpp"
#include "backend/cuda/cuda_backend.hpp"

#include <cuda_runtime.h>

#include <cstdint>

namespace warpbo::backend::cuda {

/// Features as kernels take them (by value).
struct FeaturesView {
  ConstMatrix frequencies;
  const std::int32_t* first = nullptr;
  const std::uint8_t* categorical = nullptr;  ///< null: all numeric

  __device__ bool is_categorical(std::int64_t k) const { return categorical != nullptr && categorical[k] != 0; }
  /// Frequency of feature j in numeric column k.
  __device__ double frequency(std::int64_t j, std::int64_t k) const {
    return frequencies.data[j + first[k] * frequencies.leading];
  }
  /// What coordinate x of column k adds to the angle of feature j.
  __device__ double angle(std::int64_t j, std::int64_t k, double x) const {
    if (!is_categorical(k)) return frequency(j, k) * x;
    return frequencies.data[j + (first[k] + static_cast<std::int64_t>(x)) * frequencies.leading];
  }
};

[[nodiscard]] inline FeaturesView features_view(const FourierFeatures& features) {
  return {features.frequencies, features.first.data,
          features.kernel.categorical.empty() ? nullptr : features.kernel.categorical.data};
}

/// Queues EvaluateFeatures.
void queue_features(CudaBackend& backend, const FourierFeatures& features, const ConstMatrix& points, const Matrix& out);

}  // namespace warpbo::backend::cuda
