/// Several threads of the host, each with its own stream.
#include "emulation/self/support.hpp"

#include <kernels/shared.cuh>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace warpbo::emulation {
namespace {

struct Values {
  double value[128];
};

/// Turns the values of each block round, many times.
__global__ void reverse(double* values, int times) {
  Values& shared = backend::cuda::block_shared<Values>();
  const unsigned t = threadIdx.x;
  double* own = values + blockIdx.x * blockDim.x;
  for (int i = 0; i < times; ++i) {
    shared.value[t] = own[t] + 1;
    __syncthreads();
    own[t] = shared.value[blockDim.x - 1 - t];
    __syncthreads();
  }
}

TEST(ThreadsTest, EachRunsItsOwnKernels) {
  for (const Order order : kOrders) {
    const Settings settings(in_order(order));
    std::vector<std::thread> threads;
    std::vector<std::vector<double>> results(3);
    for (auto& result : results)
      threads.emplace_back([&result] {
        const OwnStream stream;
        const DeviceArray values(std::vector<double>(3 * 128, 0.0));
        for (int i = 0; i < 20; ++i) EXPECT_EQ(run({3, 128, 0, stream}, reverse, values.data(), 5), cudaSuccess);
        EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
        result = values.read();
      });
    for (auto& thread : threads) thread.join();
    for (const auto& result : results) EXPECT_THAT(result, testing::Each(100.0));
    EXPECT_EQ(counters().launches, 60);
  }
}

}  // namespace
}  // namespace warpbo::emulation
