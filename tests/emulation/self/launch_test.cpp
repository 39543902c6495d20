/// Launches, barriers, shared memory and warp operations.
#include "emulation/self/support.hpp"

#include <kernels/shared.cuh>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace warpbo::emulation {
namespace {

using backend::cuda::block_shared;
using backend::cuda::dynamic_shared;
using testing::HasSubstr;

constexpr unsigned kFull = 0xffffffffu;

__device__ int thread_number() { return static_cast<int>(threadIdx.x); }
__device__ int global_number() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

// -------------------------------------------------------------------------------------------------------------- launches

__global__ void add(const double* a, const double* b, double* out, int n) {
  const int i = global_number();
  if (i < n) out[i] = a[i] + b[i];
}

TEST(LaunchTest, AddsVectorsOfAnyLengthInAnyOrder) {
  for (const Order order : kOrders)
    for (const int n : {1, 31, 32, 33, 257}) {
      const Settings settings(in_order(order));
      std::vector<double> a(static_cast<std::size_t>(n));
      std::iota(a.begin(), a.end(), 0.0);
      const DeviceArray left(a), right(std::vector<double>(a.size(), 0.5)), out(a.size());
      const auto blocks = static_cast<unsigned>(n + 63) / 64;
      ASSERT_EQ(run({blocks, 64}, add, left.data(), right.data(), out.data(), n), cudaSuccess);
      const auto sum = out.read();
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(sum[i], a[i] + 0.5);
    }
}

__global__ void note_coordinates(double* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] += 1;
}

TEST(LaunchTest, RunsEveryThreadOfEveryBlockOnce) {
  for (const Order order : kOrders) {
    const Settings settings(in_order(order));
    const DeviceArray out(std::vector<double>(2 * 3 * 4 * 4 * 3 * 2, 0.0));
    ASSERT_EQ(run({dim3(2, 3, 4), dim3(4, 3, 2)}, note_coordinates, out.data()), cudaSuccess);
    EXPECT_THAT(out.read(), testing::Each(1.0));
  }
}

__global__ void nothing() {}
__global__ void touch_dynamic(std::size_t count) { dynamic_shared()[count - 1] = 1; }
struct Tile {
  double value[5000];  // 40,000 bytes
};
__global__ void touch_both() { block_shared<Tile>().value[0] = dynamic_shared()[0]; }
struct OtherTile {
  double value[2000];
};
__global__ void touch_two_tiles() { block_shared<Tile>().value[0] = block_shared<OtherTile>().value[0]; }

TEST(LaunchTest, RefusesWhatADeviceCannotRun) {
  const Settings settings;
  EXPECT_EQ(run({1, 1024}, nothing), cudaSuccess);
  EXPECT_EQ(run({1, 1025}, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run({1, dim3(32, 33)}, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run({1, 0}, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run({dim3(1, 65536), 1}, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run({1u << 31, 1}, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(LaunchTest, SharedMemoryBeyond48KiBHasToBeAskedFor) {
  const Settings settings;
  const std::size_t most = 227 << 10;
  EXPECT_EQ(run({1, 1, 48 << 10}, touch_dynamic, (48u << 10) / sizeof(double)), cudaSuccess);
  EXPECT_EQ(run({1, 1, most}, touch_dynamic, most / sizeof(double)), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(touch_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, (228 << 10)),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(touch_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(most)),
            cudaSuccess);
  EXPECT_EQ(run({1, 1, most}, touch_dynamic, most / sizeof(double)), cudaSuccess);
  EXPECT_EQ(cudaFuncSetAttribute(touch_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 0), cudaSuccess);
  EXPECT_THAT(error_of([] { (void)run({1, 1, 10000}, touch_both); }), HasSubstr("shared memory"));
  EXPECT_EQ(run({1, 1, 8}, touch_both), cudaSuccess);
  EXPECT_THAT(error_of([] { (void)run({1, 1}, touch_two_tiles); }), HasSubstr("shared memory"));
}

__global__ void fail_in_one(int which) {
  __syncthreads();
  if (thread_number() == which) throw std::runtime_error("thread failed");
  __syncthreads();
}

TEST(LaunchTest, AnExceptionReachesTheCallerAndTheNextLaunchWorks) {
  const Settings settings;
  for (int i = 0; i < 3; ++i) EXPECT_THROW((void)run({4, 64}, fail_in_one, 17), std::runtime_error);
  EXPECT_EQ(run({4, 64}, fail_in_one, -1), cudaSuccess);
}

// -------------------------------------------------------------------------------------------------------------- barriers

struct Neighbours {
  double value[64];
};

/// Every thread reads what the thread before it wrote.
__global__ void shift(double* out, bool with_barrier) {
  Neighbours& shared = block_shared<Neighbours>();
  const int t = thread_number();
  shared.value[t] = t;
  if (with_barrier) __syncthreads();
  out[t] = shared.value[(t + 1) % 64];
}

int wrong_values(Order order, bool with_barrier) {
  const Settings settings(in_order(order));
  const DeviceArray out(64);
  EXPECT_EQ(run({1, 64}, shift, out.data(), true), cudaSuccess);  // leaves the right values behind in shared memory
  EXPECT_EQ(run({1, 64}, shift, out.data(), with_barrier), cudaSuccess);
  const auto values = out.read();
  int wrong = 0;
  for (int t = 0; t < 64; ++t) wrong += values[static_cast<std::size_t>(t)] == (t + 1) % 64 ? 0 : 1;
  return wrong;
}

TEST(BarrierTest, AMissingOneShowsByPoisonAndOrder) {
  for (const Order order : kOrders) EXPECT_EQ(wrong_values(order, true), 0);
  EXPECT_EQ(wrong_values(Order::ascending, false), 63);
  EXPECT_EQ(wrong_values(Order::descending, false), 1);
  EXPECT_GT(wrong_values(Order::shuffled, false), 10);
}

__global__ void half_waits() {
  if (thread_number() == 63) return;
  if (thread_number() < 32) __syncthreads();
  if (thread_number() >= 32) __syncwarp();
}
__global__ void two_barriers() {
  if (thread_number() < 32)
    __syncthreads();
  else
    __syncthreads();
}
__global__ void one_leaves() {
  if (thread_number() == 5) return;
  __syncthreads();
}

TEST(BarrierTest, DivergenceIsReported) {
  for (const Order order : kOrders) {
    const Settings settings(in_order(order));
    const std::string text = error_of([] { (void)run({1, 64}, half_waits); });
    EXPECT_THAT(text, HasSubstr("32 of 63 live threads at the barrier launch_test.cpp:"));
    EXPECT_THAT(text, HasSubstr("half_waits"));
    EXPECT_THAT(text, HasSubstr("lanes 0x7fffffff of warp 1"));
    EXPECT_THAT(text, HasSubstr("wait for lanes 0x80000000"));
    EXPECT_THAT(error_of([] { (void)run({1, 64}, two_barriers); }), HasSubstr("two barriers"));
    EXPECT_THAT(error_of([] { (void)run({3, 64}, one_leaves); }), HasSubstr("63 of 63 live threads"));
    EXPECT_EQ(run({1, 64}, nothing), cudaSuccess);
  }
}

__global__ void vote(int limit, double* out) {
  const int t = thread_number();
  const int count = __syncthreads_count(t < limit);
  const bool any = __syncthreads_or(t < limit) != 0, all = __syncthreads_and(t < limit) != 0;
  out[t] = count + 1000 * any + 10000 * all;
}

TEST(BarrierTest, Votes) {
  for (const Order order : kOrders) {
    const Settings settings(in_order(order));
    const DeviceArray out(96);
    for (const auto& [limit, expected] : {std::pair{0, 0.0}, {40, 1040.0}, {96, 11096.0}}) {
      ASSERT_EQ(run({1, 96}, vote, limit, out.data()), cudaSuccess);
      EXPECT_THAT(out.read(), testing::Each(expected));
    }
  }
}

__global__ void wait_for_flag(unsigned* flag, bool somebody_sets_it) {
  if (thread_number() == 63 && somebody_sets_it) atomicAdd(flag, 1u);
  while (atomicAdd(flag, 0u) == 0) __nanosleep(20);
}

TEST(BarrierTest, WaitingForTheSameBlockEndsAndForAnotherIsReported) {
  for (const Order order : kOrders) {
    const Settings settings(in_order(order));
    unsigned* flag = nullptr;
    ASSERT_EQ(cudaMalloc(&flag, sizeof *flag), cudaSuccess);
    ASSERT_EQ(cudaMemsetAsync(flag, 0, sizeof *flag), cudaSuccess);
    EXPECT_THAT(error_of([&] { (void)run({1, 64}, wait_for_flag, flag, false); }), HasSubstr("no thread of its block"));
    EXPECT_EQ(run({1, 64}, wait_for_flag, flag, true), cudaSuccess);
    ASSERT_EQ(cudaFree(flag), cudaSuccess);
  }
}

// ------------------------------------------------------------------------------------------------------- warp operations

/// The sum of each block of 64, by shuffles and shared memory.
struct Partials {
  double value[2];
};
__global__ void sum(const double* in, double* out) {
  double value = in[global_number()];
  for (unsigned offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(kFull, value, offset);
  Partials& partial = block_shared<Partials>();
  if (thread_number() % 32 == 0) partial.value[thread_number() / 32] = value;
  __syncthreads();
  if (thread_number() == 0) out[blockIdx.x] = partial.value[0] + partial.value[1];
}

TEST(WarpTest, SumsByShuffles) {
  std::vector<double> values(320);
  std::iota(values.begin(), values.end(), 1.0);
  for (const Order order : kOrders) {
    const Settings settings(in_order(order));
    const DeviceArray in(values), out(5);
    ASSERT_EQ(run({5, 64}, sum, in.data(), out.data()), cudaSuccess);
    const auto sums = out.read();
    for (std::size_t b = 0; b < 5; ++b) EXPECT_EQ(sums[b], 64 * (64.0 * static_cast<double>(b) + 32.5));
  }
}

__device__ double warp_sum(double value) {
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(kFull, value, offset);
  return value;
}
struct WarpSums {
  double value[32];
};
/// Twice the sum over the block, one after the other: the second one may overwrite what the first one still reads.
__global__ void sum_twice(double* out, bool with_barrier) {
  WarpSums& sums = block_shared<WarpSums>();
  const int t = thread_number();
  double total = 0;
  for (int i = 1; i <= 2; ++i) {
    const double own = warp_sum(i);
    if (t % 32 == 0) sums.value[t / 32] = own;
    __syncthreads();
    total += warp_sum(t % 32 < 4 ? sums.value[t % 32] : 0.0);
    if (with_barrier) __syncthreads();
  }
  out[t] = total;
}

bool sums_are_right(const Options& options, bool with_barrier) {
  const Settings settings(options);
  const DeviceArray out(128);
  EXPECT_EQ(run({1, 128}, sum_twice, out.data(), with_barrier), cudaSuccess);
  const auto sums = out.read();
  return std::count(sums.begin(), sums.end(), 384.0) == 128;
}

TEST(WarpTest, AWarpRunsAheadOfTheOthersSoThatAMissingBarrierShows) {
  for (const Order order : kOrders) {
    Options options = in_order(order);
    int right = 0;
    for (options.seed = 0; options.seed < 20; ++options.seed) {
      EXPECT_TRUE(sums_are_right(options, true));
      right += sums_are_right(options, false) ? 1 : 0;
    }
    EXPECT_LE(right, order == Order::shuffled ? 10 : 0);
  }
}

struct Shuffled {
  int indexed, up, down, crossed;
  long long wide;
  unsigned ballot;
  int any, all;
};
__global__ void shuffle_all(Shuffled* out, int width) {
  const int t = thread_number();
  out[t].indexed = __shfl_sync(kFull, t, 3, width);
  out[t].up = __shfl_up_sync(kFull, t, 2, width);
  out[t].down = __shfl_down_sync(kFull, t, 2, width);
  out[t].crossed = __shfl_xor_sync(kFull, t, 5, width);
  out[t].wide = __shfl_sync(kFull, (1ll << 40) + t, 31);
  out[t].ballot = __ballot_sync(kFull, t % 3 == 0);
  out[t].any = __any_sync(kFull, t == 7);
  out[t].all = __all_sync(kFull, t != 7);
}

TEST(WarpTest, ShufflesWithinGroups) {
  for (const Order order : kOrders)
    for (const int width : {32, 8}) {
      const Settings settings(in_order(order));
      const DeviceArray memory(32 * sizeof(Shuffled) / sizeof(double));
      ASSERT_EQ(run({1, 32}, shuffle_all, reinterpret_cast<Shuffled*>(memory.data()), width), cudaSuccess);
      const auto bytes = memory.read();
      const auto* lanes = reinterpret_cast<const Shuffled*>(bytes.data());
      for (int t = 0; t < 32; ++t) {
        const int first = t / width * width;
        EXPECT_EQ(lanes[t].indexed, first + 3);
        EXPECT_EQ(lanes[t].up, t - 2 < first ? t : t - 2);
        EXPECT_EQ(lanes[t].down, t + 2 >= first + width ? t : t + 2);
        EXPECT_EQ(lanes[t].crossed, t ^ 5);
        EXPECT_EQ(lanes[t].wide, (1ll << 40) + 31);
        EXPECT_EQ(lanes[t].ballot, 0x49249249u);
        EXPECT_EQ(lanes[t].any, 1);
        EXPECT_EQ(lanes[t].all, 0);
      }
    }
}

__global__ void lower_half(double* out) {
  const int t = thread_number();
  if (t < 16) out[t] = __shfl_sync(0xffffu, static_cast<double>(t), t + 8);
}
__global__ void lanes_that_never_come() {
  if (thread_number() < 16) __syncwarp();
}
__global__ void not_in_its_mask() { __syncwarp(1); }
__global__ void different_operations() {
  if (thread_number() < 16)
    __ballot_sync(kFull, 1);
  else
    __syncwarp();
}

TEST(WarpTest, MasksAreHeeded) {
  for (const Order order : kOrders) {
    const Settings settings(in_order(order));
    const DeviceArray out(16);
    ASSERT_EQ(run({1, 32}, lower_half, out.data()), cudaSuccess);
    const auto values = out.read();
    for (std::size_t t = 0; t < 8; ++t) EXPECT_EQ(values[t], static_cast<double>(t + 8));
    for (std::size_t t = 8; t < 16; ++t) EXPECT_TRUE(std::isnan(values[t]));  // from lanes that are not in the mask
    EXPECT_THAT(error_of([] { (void)run({1, 32}, lanes_that_never_come); }), HasSubstr("wait for lanes 0xffff0000"));
    EXPECT_THAT(error_of([] { (void)run({1, 32}, not_in_its_mask); }), HasSubstr("not in its own mask"));
    EXPECT_THAT(error_of([] { (void)run({1, 32}, different_operations); }), HasSubstr("different warp operations"));
  }
}

TEST(WarpTest, DeviceFunctionsNeedAKernel) {
  EXPECT_THAT(error_of([] { __syncthreads(); }), HasSubstr("outside of a kernel"));
}

}  // namespace
}  // namespace warpbo::emulation
