/// Allocation, copies and fills.
#include "emulation/device_memory.hpp"
#include "emulation/handles.hpp"
#include "emulation/pinned_memory.hpp"
#include "emulation/state.hpp"
#include "emulation/stream.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

using namespace warpbo::emulation;

namespace {

// ----------------------------------------------------------------------------------------------------------- allocation

cudaError_t allocate(void** memory, std::size_t bytes) {
  *memory = allocation_fails() ? nullptr : DeviceMemory::get().allocate(bytes);
  return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}

/// Memory whose release waits in the stream counts as free for it.
cudaError_t allocate(void** memory, std::size_t bytes, Stream& stream) {
  *memory = nullptr;
  if (const cudaError_t status = stream.refuse_capture(); status != cudaSuccess) return status;
  if (bytes == 0) return cudaErrorInvalidValue;
  if (live_bytes() + bytes > options().memory_limit) stream.run_all();
  return allocate(memory, bytes);
}

// --------------------------------------------------------------------------------------------------------------- copies

/// `height` rows of `width` bytes, `pitch` bytes apart.
struct Rows {
  std::byte* data;
  std::size_t pitch;
  std::size_t width, height;
  [[nodiscard]] std::size_t span() const { return width == 0 || height == 0 ? 0 : (height - 1) * pitch + width; }
};

enum class Place { device, pinned, pageable };

Place place(const Rows& rows) {
  const DeviceMemory& device = DeviceMemory::get();
  if (device.contains(rows.data)) return Place::device;
  return PinnedMemory::get().contains(rows.data) ? Place::pinned : Place::pageable;
}

bool valid(const Rows& rows) {
  const DeviceMemory& device = DeviceMemory::get();
  return device.contains(rows.data) ? device.covers(rows.data, rows.span()) : rows.data != nullptr;
}

/// Work that was put off may find its memory gone.
void check_still_there(const Rows& rows) {
  if (!valid(rows)) throw Error("a copy or fill ran after its device memory was freed");
}

void move(const Rows& to, const Rows& from) {
  const DeviceMemory::Access access;
  check_still_there(to);
  check_still_there(from);
  for (std::size_t row = 0; row < to.height; ++row)
    std::memcpy(to.data + row * to.pitch, from.data + row * from.pitch, to.width);
}

void count_bytes(Place from, Place to, std::size_t bytes) {
  const auto moved = static_cast<std::int64_t>(bytes);
  if (from != Place::device && to == Place::device) count({.bytes_to_device = moved});
  if (from == Place::device && to != Place::device) count({.bytes_to_host = moved});
}

cudaMemcpyKind kind_of(Place from, Place to) {
  if (from == Place::device) return to == Place::device ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost;
  return to == Place::device ? cudaMemcpyHostToDevice : cudaMemcpyHostToHost;
}

/// As CUDA does it (Runtime API, "API synchronization behavior"): pageable memory is read before the call returns, and written
/// before it returns; pinned memory is read and written when the copy runs.
cudaError_t copy(const Rows& to, const Rows& from, cudaMemcpyKind kind, Stream& stream) {
  if (to.span() == 0) return cudaSuccess;
  if (to.width > to.pitch || from.width > from.pitch) return cudaErrorInvalidPitchValue;
  if (!valid(to) || !valid(from)) return cudaErrorInvalidValue;
  const Place source = place(from), target = place(to);
  if (kind != cudaMemcpyDefault && kind != kind_of(source, target)) return cudaErrorInvalidValue;
  const std::size_t bytes = to.width * to.height;
  if (source == Place::pageable || target == Place::pageable)
    if (const cudaError_t status = stream.refuse_capture(); status != cudaSuccess) return status;
  const auto account = [source, target, bytes] { count_bytes(source, target, bytes); };
  if (source == Place::pageable) {
    const auto staged = std::make_shared<std::vector<std::byte>>(bytes);
    const Rows aside{staged->data(), from.width, from.width, from.height};
    for (std::size_t row = 0; row < from.height; ++row)
      std::memcpy(aside.data + row * aside.pitch, from.data + row * from.pitch, from.width);
    return stream.submit([=] {
      move(to, {staged->data(), from.width, from.width, from.height});
      account();
    });
  }
  const cudaError_t status = stream.submit([=] {
    move(to, from);
    account();
  });
  if (target == Place::pageable) stream.run_all();
  return status;
}

Rows rows(const void* data, std::size_t pitch, std::size_t width, std::size_t height) {
  return {static_cast<std::byte*>(const_cast<void*>(data)), pitch, width, height};
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------------ API

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  return call([&] {
    if (const cudaError_t status = refuse_while_capturing(); status != cudaSuccess) return status;
    return allocate(memory, bytes);
  });
}

cudaError_t cudaFree(void* memory) {
  return call([&] {
    if (memory == nullptr) return cudaSuccess;
    if (const cudaError_t status = refuse_while_capturing(); status != cudaSuccess) return status;
    run_all_streams();
    DeviceMemory::get().free(memory);
    return cudaSuccess;
  });
}

cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t stream) {
  return call([&] { return allocate(memory, bytes, *stream_of(stream)); });
}

cudaError_t cudaMallocFromPoolAsync(void** memory, std::size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  return call([&] {
    if (pool == nullptr) return cudaErrorInvalidValue;
    return allocate(memory, bytes, *stream_of(stream));
  });
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  return call([&] {
    if (memory == nullptr) return cudaSuccess;
    Stream& queue = *stream_of(stream);
    if (const cudaError_t status = queue.refuse_capture(); status != cudaSuccess) return status;
    return queue.submit([memory] { DeviceMemory::get().free(memory); });
  });
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return call([&] {
    if (const cudaError_t status = refuse_while_capturing(); status != cudaSuccess) return status;
    *memory = PinnedMemory::get().allocate(bytes);
    return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

cudaError_t cudaFreeHost(void* memory) {
  return call([&] {
    if (memory == nullptr) return cudaSuccess;
    if (const cudaError_t status = refuse_while_capturing(); status != cudaSuccess) return status;
    run_all_streams();
    PinnedMemory::get().free(memory);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  return call([&] {
    if (properties->allocType != cudaMemAllocationTypePinned || properties->location.type != cudaMemLocationTypeDevice)
      return cudaErrorInvalidValue;
    *pool = Handles<CUmemPoolHandle_st>::get().add(std::make_unique<CUmemPoolHandle_st>());
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  return call([&] {
    if (pool == nullptr) return cudaErrorInvalidValue;
    Handles<CUmemPoolHandle_st>::get().remove(pool, "cudaMemPoolDestroy");
    return cudaSuccess;
  });
}

// Nothing is kept back from other pools: there is nothing to set, and nothing to trim.
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) {
  return call([] { return cudaSuccess; });
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) {
  return call([] { return cudaSuccess; });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  return call([&] {
    static CUmemPoolHandle_st by_default;
    *pool = &by_default;
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return call([&] { return copy(rows(to, bytes, bytes, 1), rows(from, bytes, bytes, 1), kind, *stream_of(stream)); });
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                              std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return call(
      [&] { return copy(rows(to, to_pitch, width, height), rows(from, from_pitch, width, height), kind, *stream_of(stream)); });
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return call([&] {
    if (bytes == 0) return cudaSuccess;
    if (!DeviceMemory::get().covers(to, bytes)) return cudaErrorInvalidValue;
    return stream_of(stream)->submit([=] {
      const DeviceMemory::Access access;
      check_still_there(rows(to, bytes, bytes, 1));
      std::memset(to, value, bytes);
    });
  });
}
