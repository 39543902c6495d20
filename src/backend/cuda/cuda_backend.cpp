#include "backend/cuda/cuda_backend.hpp"

#include "backend/cuda/check.hpp"
#include "backend/cuda/open_device.hpp"
#include "backend/cuda/probe.hpp"
#include "backend/lost_device.hpp"
#include "math/sobol.hpp"

#include <warpbo/error.hpp>

#include <unistd.h>

#include <limits>

namespace warpbo::backend {

namespace {

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  cuda::check(cudaDeviceGetAttribute(&value, which, device), "asking for a device attribute", device);
  return value;
}

cuda::MemoryPoolOwner make_pool(int device) {
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool = nullptr;
  cuda::check(cudaMemPoolCreate(&pool, &properties), "making a memory pool", device);
  cuda::MemoryPoolOwner owner(pool);
  // What has been freed stays with the pool for the next ask; allocate() trims it when memory runs out.
  std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
  cuda::check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold), "setting up a memory pool", device);
  return owner;
}

}  // namespace

CudaBackend::CudaBackend(int index, const cuda::Tuning& tuning)
    : device_(index), name_("cuda:" + std::to_string(index)), tuning_(tuning), process_(getpid()), staging_(index) {
  cuda::open_device(index);
  multiprocessors_ = attribute(cudaDevAttrMultiProcessorCount, index);
  shared_limit_ = static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index));
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for free memory");
  free_at_start_ = free;
  pool_ = make_pool(index);
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  stream_.reset(stream);
  // The arena belongs to this object: it must not keep it alive.
  workspace_ = std::make_unique<Arena>(std::shared_ptr<Backend>(std::shared_ptr<void>(), this));
  cuda::probe(*this);
}

CudaBackend::~CudaBackend() {
  if (stream_ && usable()) (void)cudaStreamSynchronize(stream_.get());
  if (!usable()) abandon();
}

bool CudaBackend::usable() const noexcept { return process_ == getpid() && !lost_reason(name_); }

void CudaBackend::abandon() noexcept {
  // The context is gone; calls into it could fail, hang or, after a fork, disturb the parent. The process's end frees
  // everything.
  if (dense_) dense_->abandon();
  staging_.abandon();
  (void)stream_.release();
  (void)pool_.release();
}

Traits CudaBackend::traits() const {
  // A fifth stays free for the libraries and for other processes on the device.
  return {.rounds_per_check = tuning_.rounds_per_check, .free_rows = tuning_.free_rows, .memory_limit = free_at_start_ / 5 * 4};
}

void CudaBackend::enter() {
  if (process_ != getpid())
    throw Error(ErrorCode::unavailable,
                name_ + " was opened before this process was forked; open the study in the child instead");
  if (const auto reason = lost_reason(name_))
    throw Error(ErrorCode::unavailable, name_ + " was lost by this process: " + *reason);
  check(cudaSetDevice(device_), "choosing the device");
}

void CudaBackend::check(cudaError_t status, const char* what) const { cuda::check(status, what, device_); }

cuda::Dense& CudaBackend::dense() {
  if (!dense_) dense_ = std::make_unique<cuda::Dense>(*this);
  return *dense_;
}

const std::uint32_t* CudaBackend::sobol_directions() {
  if (sobol_.size() == 0) {
    const math::SobolDirections& directions = math::sobol_directions();
    constexpr std::int64_t kCount = sizeof(directions.value) / sizeof(std::uint32_t);
    Buffer<std::uint32_t> buffer(std::shared_ptr<Backend>(std::shared_ptr<void>(), this), kCount);
    buffer.upload(std::span<const std::uint32_t>(&directions.value[0][0], kCount));
    sobol_ = std::move(buffer);
  }
  return sobol_.data();
}

std::shared_ptr<Backend> make_cuda_engine(int index, const cuda::Tuning& tuning) {
  return std::make_shared<CudaBackend>(index, tuning);
}

}  // namespace warpbo::backend
