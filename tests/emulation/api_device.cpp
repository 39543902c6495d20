/// Devices, versions and the last error.
#include "emulation/block_memory.hpp"
#include "emulation/device_memory.hpp"
#include "emulation/handles.hpp"
#include "emulation/pinned_memory.hpp"
#include "emulation/state.hpp"
#include "emulation/stream.hpp"

#include <cstdio>

using namespace warpbo::emulation;

namespace {

constinit thread_local int current_device = 0;

/// Why no device can be used, as cudaGetDeviceCount says it.
cudaError_t device_status(const Faults& faults) {
  if (faults.device_count_status != cudaSuccess) return faults.device_count_status;
  if (faults.driver_version / 1000 < CUDART_VERSION / 1000) return cudaErrorInsufficientDriver;
  return faults.device_count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t check_device(int device) {
  const Faults now = faults();
  if (const cudaError_t status = device_status(now); status != cudaSuccess) return status;
  return device >= 0 && device < now.device_count ? cudaSuccess : cudaErrorInvalidDevice;
}

}  // namespace

cudaError_t cudaGetLastError() { return last_error(true); }
cudaError_t cudaPeekAtLastError() { return last_error(false); }

cudaError_t cudaGetDeviceCount(int* count) {
  const Faults now = faults();
  const cudaError_t status = device_status(now);
  *count = status == cudaSuccess ? now.device_count : 0;
  return report(status);
}

cudaError_t cudaSetDevice(int device) {
  return call([&] {
    const cudaError_t status = check_device(device);
    if (status == cudaSuccess) current_device = device;
    return status;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return call([&] {
    *device = current_device;
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = faults().driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  const auto answer = [&](int known) {
    *value = known;
    return cudaSuccess;
  };
  if (const cudaError_t status = check_device(device); status != cudaSuccess) return report(status);
  // Those of an H100 with PCIe or SXM.
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      return answer(1024);
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return answer(kSharedBytes);
    case cudaDevAttrWarpSize:
      return answer(warpSize);
    case cudaDevAttrMultiProcessorCount:
      return answer(options().multiprocessors);
    case cudaDevAttrL2CacheSize:
      return answer(50 << 20);
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return answer(2048);
    case cudaDevAttrComputeCapabilityMajor:
      return answer(9);
    case cudaDevAttrComputeCapabilityMinor:
      return answer(0);
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return answer(kSharedBytesOptin + 1024);
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return answer(kSharedBytesOptin);
    case cudaDevAttrMemoryPoolsSupported:
      return answer(1);
  }
  return report(cudaErrorInvalidValue);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (const cudaError_t status = check_device(device); status != cudaSuccess) return report(status);
  const Options now = options();
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "fibers of the CPU");
  properties->totalGlobalMem = now.memory_limit;
  properties->sharedMemPerBlock = kSharedBytes;
  properties->sharedMemPerBlockOptin = kSharedBytesOptin;
  properties->sharedMemPerMultiprocessor = kSharedBytesOptin + 1024;
  properties->multiProcessorCount = now.multiprocessors;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->warpSize = warpSize;
  properties->l2CacheSize = 50 << 20;
  properties->major = 9;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return call([&] {
    const std::size_t live = live_bytes();
    *total = options().memory_limit;
    *free = *total > live ? *total - live : 0;
    return cudaSuccess;
  });
}

namespace warpbo::emulation {

std::size_t live_handles() {
  return Handles<CUstream_st>::get().size() + Handles<CUevent_st>::get().size() + Handles<CUgraph_st>::get().size() +
         Handles<CUgraphExec_st>::get().size() + Handles<CUmemPoolHandle_st>::get().size() + PinnedMemory::get().blocks();
}

void reset_device() {
  Handles<CUstream_st>::get().clear();
  Handles<CUevent_st>::get().clear();
  Handles<CUgraph_st>::get().clear();
  Handles<CUgraphExec_st>::get().clear();
  Handles<CUmemPoolHandle_st>::get().clear();
  PinnedMemory::get().clear();
  DeviceMemory::get().free_all();
  set_faults({});
}

}  // namespace warpbo::emulation
