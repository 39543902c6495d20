/// One thread that does nothing: whether this build has code for the device shows here and not in the middle of an ask.
/// Test: tests/emulation, the rows of G5.
#include "backend/cuda/probe.hpp"

#include "kernels/launch.cuh"

#include <warpbo/error.hpp>

#include <string>

namespace warpbo::backend::cuda {

namespace {
__global__ void probe_kernel() {}
}  // namespace

void probe(CudaBackend& backend) {
  cudaFuncAttributes attributes{};
  const cudaError_t status = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&probe_kernel));
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorUnsupportedPtxVersion ||
      status == cudaErrorInvalidDeviceFunction) {
    (void)cudaGetLastError();
    int major = 0, minor = 0;
    (void)cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, backend.device());
    (void)cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, backend.device());
    throw Error(ErrorCode::unavailable, backend.name() + " has compute capability " + std::to_string(major) + "." +
                                            std::to_string(minor) +
                                            ", for which this build has no kernels; build with "
                                            "-DWARPBO_CUDA_ARCHITECTURES=" +
                                            std::to_string(10 * major + minor));
  }
  check(status, "looking for this build's kernels", backend.device());
  launch(backend, shape(1, 1), probe_kernel);
  check(cudaStreamSynchronize(backend.stream()), "running a first kernel", backend.device());
}

}  // namespace warpbo::backend::cuda
