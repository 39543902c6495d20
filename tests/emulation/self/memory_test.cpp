/// Device memory, copies, and what AddressSanitizer sees.
#include "emulation/sanitizers.hpp"
#include "emulation/self/support.hpp"

#include <kernels/shared.cuh>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>

namespace warpbo::emulation {
namespace {

using testing::Each;
using testing::HasSubstr;

Options small_memory(std::size_t limit) {
  Options changed;
  changed.memory_limit = limit;
  return changed;
}

TEST(MemoryTest, IsAlignedAndBeginsAsNaN) {
  const Settings settings;
  for (const std::size_t size : {1, 31, 257}) {
    const DeviceArray array(size), other(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 256, 0u);
    for (const double value : array.read()) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(MemoryTest, HasALimitAndCountsWhatIsLeft) {
  const Settings settings(small_memory(1000));
  const std::size_t before = live_bytes();
  void *first = nullptr, *second = nullptr;
  EXPECT_EQ(cudaMalloc(&first, 600), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 600), cudaErrorMemoryAllocation);
  EXPECT_EQ(second, nullptr);
  std::size_t free = 0, total = 0;
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(free, 400u);
  EXPECT_EQ(total, 1000u);
  EXPECT_EQ(live_bytes(), before + 600);
  EXPECT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 600), cudaSuccess);
  EXPECT_EQ(cudaFree(second), cudaSuccess);
  EXPECT_EQ(live_bytes(), before);
  EXPECT_EQ(counters().allocations, 2);
  EXPECT_EQ(counters().peak_bytes, 600);
}

TEST(MemoryTest, WrongFreesAreReported) {
  const Settings settings;
  double* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 64), cudaSuccess);
  EXPECT_THROW((void)cudaFree(memory + 1), Error);
  EXPECT_THROW((void)cudaFreeHost(memory), Error);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_THAT(error_of([&] { (void)cudaFree(memory); }), HasSubstr("no live block"));
  double on_host = 0;
  EXPECT_THROW((void)cudaFreeAsync(&on_host, nullptr), Error);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
}

TEST(MemoryTest, CopiesStayWithinOneAllocation) {
  const Settings settings;
  const DeviceArray array(10), other(10);
  std::vector<double> host(20);
  EXPECT_EQ(cudaMemcpyAsync(array.data(), host.data(), 80, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(array.data(), host.data(), 81, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(array.data() + 1, host.data(), 80, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(array.data() - 1, host.data(), 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(host.data(), array.data(), 88, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(host.data(), array.data(), 80, cudaMemcpyHostToDevice), cudaErrorInvalidValue);  // wrong way
  EXPECT_EQ(cudaMemcpyAsync(host.data(), array.data(), 80, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(array.data(), 0, 81), cudaErrorInvalidValue);
  EXPECT_EQ(counters().bytes_to_device, 80);
  EXPECT_EQ(counters().bytes_to_host, 80);
}

TEST(MemoryTest, CopiesRowsOfMatrices) {
  const Settings settings;
  std::vector<double> values(12);
  std::iota(values.begin(), values.end(), 0.0);
  const DeviceArray from(values), to(std::vector<double>(10, -1.0));
  constexpr std::size_t kDouble = sizeof(double);
  // 2 x 3 out of leading dimension 4 into leading dimension 3, beginning at entry 1; the last column needs only its two rows.
  EXPECT_EQ(
      cudaMemcpy2DAsync(to.data() + 1, 3 * kDouble, from.data() + 1, 4 * kDouble, 2 * kDouble, 3, cudaMemcpyDeviceToDevice),
      cudaSuccess);
  EXPECT_THAT(to.read(), testing::ElementsAre(-1, 1, 2, -1, 5, 6, -1, 9, 10, -1));
  EXPECT_EQ(cudaMemcpy2DAsync(to.data() + 3, 3 * kDouble, from.data(), 4 * kDouble, 2 * kDouble, 3, cudaMemcpyDeviceToDevice),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy2DAsync(to.data(), kDouble, from.data(), 4 * kDouble, 2 * kDouble, 3, cudaMemcpyDeviceToDevice),
            cudaErrorInvalidPitchValue);
}

TEST(MemoryTest, PoolsGiveMemoryInStreamOrder) {
  for (const Options& options : {Options{}, deferred()}) {
    Options changed = options;
    changed.memory_limit = 1000;
    const Settings settings(changed);
    const OwnStream stream;
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    cudaMemPool_t pool = nullptr;
    ASSERT_EQ(cudaMemPoolCreate(&pool, &properties), cudaSuccess);
    for (int i = 0; i < 3; ++i) {
      double* memory = nullptr;
      ASSERT_EQ(cudaMallocFromPoolAsync(&memory, 800, pool, stream), cudaSuccess);
      ASSERT_EQ(cudaMemsetAsync(memory, 0, 800, stream), cudaSuccess);
      ASSERT_EQ(cudaFreeAsync(memory, stream), cudaSuccess);
    }
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(cudaMemPoolDestroy(pool), cudaSuccess);
    EXPECT_THROW((void)cudaMemPoolDestroy(pool), Error);
    EXPECT_EQ(live_bytes(), 0u);
  }
}

using MemoryDeathTest = testing::Test;

TEST(MemoryDeathTest, TheHostCannotTouchDeviceMemory) {
  const DeviceArray array(std::vector<double>(4, 1.0));
  EXPECT_DEATH(array.data()[0] = 2, "");
  EXPECT_DEATH((void)std::printf("%g", array.data()[0]), "");
}

#if defined(__SANITIZE_ADDRESS__)

struct Four {
  double value[4];
};
__global__ void write_static(int index) { backend::cuda::block_shared<Four>().value[static_cast<unsigned>(index) & 7u] = 1; }
__global__ void write_dynamic(int index) { backend::cuda::dynamic_shared()[index] = 1; }
__global__ void write_global(double* out, int index) { out[index] = 1; }

TEST(MemoryDeathTest, AddressSanitizerSeesWritesBesideSharedMemory) {
  EXPECT_EQ(run({1, 1}, write_static, 3), cudaSuccess);
  EXPECT_DEATH((void)run({1, 1}, write_static, 4), "write_static");
  EXPECT_EQ(run({1, 1, 40}, write_dynamic, 4), cudaSuccess);
  EXPECT_DEATH((void)run({1, 1, 40}, write_dynamic, 5), "heap-buffer-overflow");
  EXPECT_DEATH((void)run({1, 1, 40}, write_dynamic, -1), "heap-buffer-overflow");
}

TEST(MemoryDeathTest, AddressSanitizerSeesWritesBesideAllocations) {
  const DeviceArray array(5), other(5);
  EXPECT_EQ(run({1, 1}, write_global, array.data(), 4), cudaSuccess);
  EXPECT_DEATH((void)run({1, 1}, write_global, array.data(), 5), "use-after-poison");
  EXPECT_DEATH((void)run({1, 1}, write_global, array.data(), -1), "use-after-poison");
  double* gone = nullptr;
  ASSERT_EQ(cudaMalloc(&gone, 64), cudaSuccess);
  ASSERT_EQ(cudaFree(gone), cudaSuccess);
  EXPECT_DEATH((void)run({1, 1}, write_global, gone, 0), "use-after-poison");
}

#endif

}  // namespace
}  // namespace warpbo::emulation
