/// CUDA's status codes as warpbo's errors.
#pragma once

#include <cuda_runtime.h>

#include <string>

namespace warpbo::backend::cuda {

/// True for codes after which the CUDA context of this process is of no more use: an illegal access, a hang, a hardware fault.
[[nodiscard]] bool is_sticky(cudaError_t status) noexcept;

/// "an illegal memory access was encountered (cudaErrorIllegalAddress, 700)".
[[nodiscard]] std::string describe(cudaError_t status);

/// Returns if `status` is success. Otherwise throws Error: resource_exhausted where memory or launch resources ran out,
/// unavailable where the device cannot be used (and marks device `device` as lost if the code is sticky), internal for misuse
/// of CUDA by warpbo itself. `what` says what was being done: "launching a kernel".
void check(cudaError_t status, const char* what, int device);

}  // namespace warpbo::backend::cuda
