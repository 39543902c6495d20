#include "backend/cuda/open_device.hpp"

#include "backend/cuda/check.hpp"
#include "backend/lost_device.hpp"

#include <warpbo/error.hpp>

#include <cuda_runtime.h>

#include <cstdlib>
#include <string>

namespace warpbo::backend::cuda {

namespace {

/// CUDA writes versions as 1000 major + 10 minor.
std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

/// The oldest driver branch that runs this build (CUDA Toolkit Release Notes, table of minimum driver versions).
std::string needed_driver() {
  constexpr int kMajor = CUDART_VERSION / 1000;
  return kMajor >= 13 ? "580" : kMajor == 12 ? "525" : "450";
}

std::string needs() {
  return "this build needs NVIDIA driver " + needed_driver() + " or newer (CUDA " + version(CUDART_VERSION) + ")";
}

std::string missing_driver() {
  int supported = 0;
  if (cudaDriverGetVersion(&supported) != cudaSuccess || supported == 0)
    return "no NVIDIA driver is installed (libcuda.so.1 was not found); " + needs();
  return "the NVIDIA driver is too old: it supports CUDA " + version(supported) + "; " + needs();
}

std::string missing_device() {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible != nullptr)
    return "no CUDA device is visible: CUDA_VISIBLE_DEVICES is \"" + std::string(visible) + "\"; unset it or name a device";
  return "this machine has no CUDA device that the driver can use; " + needs();
}

std::string explain(cudaError_t status) {
  switch (status) {
    case cudaErrorInsufficientDriver:
      return missing_driver();
    case cudaErrorNoDevice:
      return missing_device();
    case cudaErrorStubLibrary:
      return "the CUDA stub library was loaded in place of the driver; take the toolkit's stubs folder out of "
             "LD_LIBRARY_PATH. " +
             needs();
    case cudaErrorSystemDriverMismatch:
      return "the NVIDIA kernel module and its libraries are of different versions; reboot, or reinstall the driver. " +
             needs();
    default:
      return "CUDA could not be started: " + describe(status) + "; " + needs();
  }
}

}  // namespace

void open_device(int index) {
  const std::string name = "cuda:" + std::to_string(index);
  if (const auto reason = lost_reason(name))
    throw Error(ErrorCode::unavailable,
                name + " was lost by this process: " + *reason + "; restart the process to use it again");
  int count = 0;
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count == 0) status = cudaErrorNoDevice;
  if (status != cudaSuccess) {
    cudaGetLastError();
    throw Error(ErrorCode::unavailable, explain(status));
  }
  if (index < 0 || index >= count)
    throw Error(ErrorCode::unavailable,
                "there is no " + name + ": this process sees " + std::to_string(count) + " CUDA device(s), numbered from 0");
  status = cudaSetDevice(index);
  if (status != cudaSuccess) {
    cudaGetLastError();
    throw Error(ErrorCode::unavailable, name + ": " + explain(status));
  }
}

}  // namespace warpbo::backend::cuda
