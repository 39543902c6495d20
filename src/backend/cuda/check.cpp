#include "backend/cuda/check.hpp"

#include "backend/lost_device.hpp"

#include <warpbo/error.hpp>

namespace warpbo::backend::cuda {

bool is_sticky(cudaError_t status) noexcept {
  switch (status) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

std::string describe(cudaError_t status) {
  return std::string(cudaGetErrorString(status)) + " (" + cudaGetErrorName(status) + ", " +
         std::to_string(static_cast<int>(status)) + ")";
}

void check(cudaError_t status, const char* what, int device) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that is not sticky must not be reported again by the next call
  const std::string name = "cuda:" + std::to_string(device);
  const std::string text = name + ": " + what + ": " + describe(status);
  if (is_sticky(status)) {
    mark_lost(name, describe(status));
    throw Error(ErrorCode::unavailable, text + "; the device cannot be used again by this process");
  }
  switch (status) {
    case cudaErrorMemoryAllocation:
    case cudaErrorLaunchOutOfResources:
      throw Error(ErrorCode::resource_exhausted, text);
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInitializationError:
    case cudaErrorStubLibrary:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorDevicesUnavailable:
      throw Error(ErrorCode::unavailable, text);
    default:
      throw Error(ErrorCode::internal, text);
  }
}

}  // namespace warpbo::backend::cuda
