/// Memory and transfers of the CUDA engine.
#include "backend/cuda/check.hpp"
#include "backend/cuda/cuda_backend.hpp"

#include <warpbo/error.hpp>

namespace warpbo::backend {

void* CudaBackend::allocate(std::size_t bytes) {
  enter();
  not_replayable();
  void* memory = nullptr;
  const std::size_t wanted = bytes == 0 ? 1 : bytes;
  cudaError_t status = cudaMallocFromPoolAsync(&memory, wanted, pool_.get(), stream());
  if (status == cudaErrorMemoryAllocation) {
    // What the pool keeps for later may be what is missing, here or in another pool of this device.
    (void)cudaGetLastError();
    check(cudaStreamSynchronize(stream()), "waiting for the device");
    check(cudaMemPoolTrimTo(pool_.get(), 0), "trimming the memory pool");
    status = cudaMallocFromPoolAsync(&memory, wanted, pool_.get(), stream());
  }
  // A size that no device can have is reported as an invalid value.
  if (status == cudaErrorMemoryAllocation || status == cudaErrorInvalidValue) {
    (void)cudaGetLastError();
    std::size_t free = 0, total = 0;
    (void)cudaMemGetInfo(&free, &total);
    throw Error(ErrorCode::resource_exhausted, name_ + " is out of memory: " + std::to_string(bytes) + " bytes wanted, " +
                                                   std::to_string(free) + " of " + std::to_string(total) + " bytes free");
  }
  check(status, "allocating memory");
  return memory;
}

void CudaBackend::release(void* memory) noexcept {
  if (memory == nullptr || !usable()) return;
  (void)cudaSetDevice(device_);
  (void)cudaFreeAsync(memory, stream());
}

void CudaBackend::upload(void* to, const void* from_host, std::size_t bytes) {
  enter();
  not_replayable();
  staging_.upload(to, from_host, bytes, stream());
}

void CudaBackend::download(void* to_host, const void* from, std::size_t bytes) {
  enter();
  not_replayable();
  staging_.download(to_host, from, bytes, stream());
}

void CudaBackend::copy(const ConstMatrix& from, const Matrix& to) {
  enter();
  if (to.empty()) return;
  for (std::int64_t p = 0; p < to.batch; ++p) {
    const ConstMatrix source = from.member(p);
    const Matrix target = to.member(p);
    check(cudaMemcpy2DAsync(target.data, static_cast<std::size_t>(target.leading) * sizeof(double), source.data,
                            static_cast<std::size_t>(source.leading) * sizeof(double),
                            static_cast<std::size_t>(to.rows) * sizeof(double), static_cast<std::size_t>(to.columns),
                            cudaMemcpyDeviceToDevice, stream()),
          "copying within the device");
  }
}

void CudaBackend::synchronize() {
  enter();
  not_replayable();
  check(cudaStreamSynchronize(stream()), "waiting for the device");
}

}  // namespace warpbo::backend
