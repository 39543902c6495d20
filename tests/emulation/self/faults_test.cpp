/// Faults, counters and settings.
#include "emulation/self/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace warpbo::emulation {
namespace {

__global__ void add_one(double* values) { values[threadIdx.x] += 1; }
__global__ void meet() { __syncthreads(); }

TEST(FaultsTest, AnAllocationFailsOnceOrFromThenOn) {
  for (const bool later : {false, true}) {
    const Settings settings;
    set_faults({.allocation = 2, .later_allocations_too = later});
    void* memory[3] = {};
    EXPECT_EQ(cudaMalloc(&memory[0], 8), cudaSuccess);
    EXPECT_EQ(cudaMallocAsync(&memory[1], 8, nullptr), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaMalloc(&memory[2], 8), later ? cudaErrorMemoryAllocation : cudaSuccess);
    for (void* block : memory) EXPECT_EQ(cudaFree(block), cudaSuccess);
  }
}

TEST(FaultsTest, AStickyErrorStaysUntilTheDeviceIsReset) {
  const Settings settings;
  const OwnStream stream;
  double* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 8), cudaSuccess);
  set_faults({.call = 2, .code = cudaErrorIllegalAddress});
  EXPECT_EQ(cudaMemsetAsync(memory, 0, 8), cudaSuccess);
  EXPECT_EQ(run({1, 1}, add_one, memory), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaFree(memory), cudaErrorIllegalAddress);
  EXPECT_GT(live_bytes(), 0u);
  set_faults({});
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(FaultsTest, ResettingTheDeviceFreesWhatIsLeft) {
  const Settings settings;
  void *memory = nullptr, *pinned = nullptr;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 8), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, 8), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
  set_faults({.call = 1});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  reset_device();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(live_bytes(), 0u);
  EXPECT_EQ(live_handles(), 0u);
}

TEST(FaultsTest, DevicesCanBeMissing) {
  const Settings settings;
  int count = -1, version = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);

  set_faults({.device_count = 0});
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);

  set_faults({.driver_version = 12040});
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, 12040);

  set_faults({.device_count_status = cudaErrorStubLibrary});
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorStubLibrary);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorStubLibrary), "cudaErrorStubLibrary");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorStubLibrary), "CUDA driver is a stub library");

  set_faults({.device_count = 3});
  EXPECT_EQ(cudaSetDevice(2), cudaSuccess);
  EXPECT_EQ(cudaGetDevice(&count), cudaSuccess);
  EXPECT_EQ(count, 2);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
}

TEST(FaultsTest, ADeviceSaysWhatItHas) {
  const Settings settings;
  cudaDeviceProp properties{};
  int value = 0;
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_EQ(properties.multiProcessorCount, Options{}.multiprocessors);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), cudaSuccess);
  EXPECT_EQ(value, 227 << 10);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&value, meet, 256, 100 << 10), cudaSuccess);
  EXPECT_EQ(value, 2);
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&value, meet, 256, 0), cudaSuccess);
  EXPECT_EQ(value, 8);
}

TEST(CountersTest, TellWhatWasDone) {
  const Settings settings;
  const OwnStream stream;
  const DeviceArray array(std::vector<double>(4, 0.0));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(run({2, 4, 0, stream}, add_one, array.data()), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  const Counters first = counters();
  EXPECT_EQ(first.launches, 3);
  EXPECT_EQ(first.blocks, 6);
  EXPECT_EQ(first.threads, 24);
  EXPECT_EQ(first.switches, 12);  // threads that do not wait: one there and one back for each block
  EXPECT_EQ(first.synchronizations, 1);
  EXPECT_EQ(first.bytes_to_device, 32);
  EXPECT_EQ(first.bytes_to_host, 0);
  EXPECT_EQ(first.allocations, 1);
  reset_counters();
  ASSERT_EQ(run({1, 64, 0, stream}, meet), cudaSuccess);
  EXPECT_EQ(counters().launches, 1);
  EXPECT_LE(counters().switches, 2 * 64 + 2);
}

TEST(OptionsTest, ComeFromTheEnvironment) {
  const char* before = std::getenv("WARPBO_EMULATION_ORDER");
  const std::string kept = before == nullptr ? "ascending" : before;
  setenv("WARPBO_EMULATION_ORDER", "descending", 1);
  EXPECT_EQ(options_from_environment().order, Order::descending);
  setenv("WARPBO_EMULATION_ORDER", "upwards", 1);
  EXPECT_THROW((void)options_from_environment(), Error);
  setenv("WARPBO_EMULATION_ORDER", kept.c_str(), 1);
}

TEST(ArithmeticTest, FunctionsOfTheDevice) {
  double sine = 0, cosine = 0;
  for (const auto& [x, s, c] : {std::array{0.0, 0.0, 1.0},
                                {0.5, 1.0, 0.0},
                                {1.0, 0.0, -1.0},
                                {1.5, -1.0, 0.0},
                                {-0.5, -1.0, 0.0},
                                {1e6 + 0.5, 1.0, 0.0}}) {
    sincospi(x, &sine, &cosine);
    EXPECT_EQ(sine, s) << x;
    EXPECT_EQ(cosine, c) << x;
  }
  for (double x = -3; x < 3; x += 0.0371) {
    sincospi(x, &sine, &cosine);
    EXPECT_NEAR(sine, std::sin(3.14159265358979323846 * x), 2e-15);
    EXPECT_NEAR(cosine, std::cos(3.14159265358979323846 * x), 2e-15);
  }
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__brev(0x12345678u), 0x1e6a2c48u);
  EXPECT_EQ(__umulhi(0xffffffffu, 0xffffffffu), 0xfffffffeu);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__double2int_rn(2.5), 2);
  EXPECT_EQ(__double2int_rn(1e300), 2147483647);
  EXPECT_EQ(rsqrt(4.0), 0.5);
  int counter = 5;
  EXPECT_EQ(atomicMax(&counter, 7), 5);
  EXPECT_EQ(atomicCAS(&counter, 7, 9), 7);
  EXPECT_EQ(atomicAdd(&counter, 1), 9);
  EXPECT_EQ(counter, 10);
}

}  // namespace
}  // namespace warpbo::emulation
