/// Streams, events and graphs; work that is put off.
#include "emulation/self/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace warpbo::emulation {
namespace {

using testing::Each;

__global__ void add_one(double* values) { values[threadIdx.x] += 1; }
__global__ void copy_values(const double* from, double* to) { to[threadIdx.x] = from[threadIdx.x]; }

class PinnedArray {
 public:
  explicit PinnedArray(std::size_t size, double value) {
    if (cudaMallocHost(&data_, size * sizeof(double)) != cudaSuccess) throw Error("no pinned memory");
    for (std::size_t i = 0; i < size; ++i) data_[i] = value;
  }
  ~PinnedArray() { (void)cudaFreeHost(data_); }
  PinnedArray(const PinnedArray&) = delete;
  PinnedArray& operator=(const PinnedArray&) = delete;
  [[nodiscard]] double* data() const { return data_; }

 private:
  double* data_ = nullptr;
};

// ----------------------------------------------------------------------------------------------------------- put-off work

TEST(StreamTest, WorkRunsAtOnceOrWhenSomethingWaits) {
  for (const bool defer : {false, true}) {
    const Settings settings(defer ? deferred() : Options{});
    const OwnStream stream;
    const DeviceArray array(std::vector<double>(4, 1.0));
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);  // the upload went through another stream
    ASSERT_EQ(run({1, 4, 0, stream}, add_one, array.data()), cudaSuccess);
    EXPECT_EQ(counters().blocks, defer ? 0 : 1);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(counters().blocks, 1);
    EXPECT_THAT(array.read(), Each(2.0));
  }
}

/// One stream makes values, another one reads them.
std::vector<double> pass_between_streams(bool wait) {
  const OwnStream maker, reader;
  const DeviceArray values(std::vector<double>(4, 1.0)), result(4);
  cudaEvent_t made = nullptr;
  EXPECT_EQ(cudaEventCreateWithFlags(&made, cudaEventDisableTiming), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(run({1, 4, 0, maker}, add_one, values.data()), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(made, maker), cudaSuccess);
  EXPECT_EQ(run({1, 4, 0, maker}, add_one, values.data()), cudaSuccess);  // after the event: the reader need not see it
  EXPECT_EQ(wait ? cudaStreamWaitEvent(reader, made) : cudaSuccess, cudaSuccess);
  EXPECT_EQ(run({1, 4, 0, reader}, copy_values, values.data(), result.data()), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(reader), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(made), cudaSuccess);
  return result.read();
}

TEST(StreamTest, AMissingWaitShowsWhenWorkIsPutOff) {
  const Settings settings(deferred());
  EXPECT_THAT(pass_between_streams(true), Each(2.0));
  EXPECT_THAT(pass_between_streams(false), Each(1.0));
}

TEST(StreamTest, PageableMemoryIsReadAtTheCallAndPinnedMemoryWhenTheCopyRuns) {
  const Settings settings(deferred());
  const OwnStream stream;
  const DeviceArray from_pageable(4), from_pinned(4);
  std::vector<double> pageable(4, 1.0);
  const PinnedArray pinned(4, 1.0);
  ASSERT_EQ(cudaMemcpyAsync(from_pageable.data(), pageable.data(), 32, cudaMemcpyHostToDevice, stream), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(from_pinned.data(), pinned.data(), 32, cudaMemcpyHostToDevice, stream), cudaSuccess);
  for (std::size_t i = 0; i < 4; ++i) pageable[i] = pinned.data()[i] = 2;  // too early for the second
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(from_pageable.read(), Each(1.0));
  EXPECT_THAT(from_pinned.read(), Each(2.0));
}

TEST(StreamTest, PageableMemoryIsWrittenBeforeTheCallReturnsAndPinnedMemoryWhenTheCopyRuns) {
  const Settings settings(deferred());
  const OwnStream stream;
  const DeviceArray array(std::vector<double>(4, 1.0));
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  std::vector<double> pageable(4, 0.0);
  const PinnedArray pinned(4, 0.0);
  ASSERT_EQ(cudaMemcpyAsync(pinned.data(), array.data(), 32, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(pinned.data()[0], 0.0);
  ASSERT_EQ(cudaMemcpyAsync(pageable.data(), array.data(), 32, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_THAT(pageable, Each(1.0));
  EXPECT_EQ(pinned.data()[3], 1.0);
}

TEST(StreamTest, QueriesLetWorkGetOn) {
  const Settings settings(deferred());
  const OwnStream stream;
  const DeviceArray array(std::vector<double>(4, 1.0));
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDefault), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);  // never recorded
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ASSERT_EQ(run({1, 4, 0, stream}, add_one, array.data()), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);  // "not ready" is no error
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event, event), cudaSuccess);
  EXPECT_EQ(milliseconds, 0.0f);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
}

__global__ void fail() { throw Error("failed"); }

TEST(StreamTest, NothingRunsBehindAKernelThatFailed) {
  const Settings settings(deferred());
  const OwnStream stream;
  const DeviceArray array(std::vector<double>(4, 1.0));
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ASSERT_EQ(run({1, 4, 0, stream}, fail), cudaSuccess);
  ASSERT_EQ(run({1, 4, 0, stream}, add_one, array.data()), cudaSuccess);
  EXPECT_THROW((void)cudaStreamSynchronize(stream), Error);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(array.read(), Each(1.0));
}

TEST(StreamTest, HostCodeCanTakeTheKernelsPlace) {
  const Settings settings(deferred());
  const OwnStream stream;
  const DeviceArray array(std::vector<double>(4, 1.0));
  double* values = array.data();
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ASSERT_EQ(enqueue(stream, [values] { values[2] = 5; }), cudaSuccess);
  ASSERT_EQ(run({1, 4, 0, stream}, add_one, values), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(array.read(), testing::ElementsAre(2, 2, 6, 2));
  EXPECT_EQ(counters().launches, 2);
}

TEST(StreamTest, DestroyingTwiceIsReported) {
  const Settings settings;
  const std::size_t before = live_handles();
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  EXPECT_EQ(live_handles(), before + 1);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(live_handles(), before);
  EXPECT_THROW((void)cudaStreamDestroy(stream), Error);
}

// ---------------------------------------------------------------------------------------------------------------- graphs

/// Captures what `body` queues; the status of the end of the capture.
template <class Body>
cudaError_t capture(cudaStream_t stream, cudaGraph_t& graph, Body&& body) {
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  body();
  return cudaStreamEndCapture(stream, &graph);
}

TEST(GraphTest, ReplaysWhatWasCaptured) {
  for (const bool defer : {false, true}) {
    const Settings settings(defer ? deferred() : Options{});
    const OwnStream stream;
    const DeviceArray array(std::vector<double>(4, 0.0)), copy(4);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    cudaGraph_t graph = nullptr;
    ASSERT_EQ(capture(stream, graph,
                      [&] {
                        EXPECT_EQ(run({1, 4, 0, stream}, add_one, array.data()), cudaSuccess);
                        EXPECT_EQ(cudaMemcpyAsync(copy.data(), array.data(), 32, cudaMemcpyDeviceToDevice, stream),
                                  cudaSuccess);
                        cudaStreamCaptureStatus status{};
                        EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
                        EXPECT_EQ(status, cudaStreamCaptureStatusActive);
                      }),
              cudaSuccess);
    EXPECT_THAT(array.read(), Each(0.0));  // nothing has run
    cudaGraphExec_t executable = nullptr;
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
    ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_THAT(copy.read(), Each(3.0));
    EXPECT_EQ(counters().launches, 0);
    EXPECT_EQ(counters().graph_launches, 3);
    EXPECT_EQ(counters().nodes, 6);
    EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  }
}

TEST(GraphTest, WhatCannotBeRecordedSpoilsTheCapture) {
  const Settings settings;
  const OwnStream stream;
  const DeviceArray array(4);
  std::vector<double> pageable(4);
  const PinnedArray pinned(4, 1.0);
  cudaGraph_t graph = nullptr;
  void* memory = nullptr;
  const std::function<cudaError_t()> forbidden[] = {
      [&] { return cudaStreamSynchronize(stream); },
      [&] { return cudaStreamQuery(stream); },
      [&] { return cudaDeviceSynchronize(); },
      [&] { return cudaMalloc(&memory, 8); },
      [&] { return cudaMallocAsync(&memory, 8, stream); },
      [&] { return cudaFreeAsync(array.data(), stream); },
      [&] { return cudaMemcpyAsync(array.data(), pageable.data(), 32, cudaMemcpyHostToDevice, stream); },
      [&] { return cudaMemcpyAsync(pageable.data(), array.data(), 32, cudaMemcpyDeviceToHost, stream); },
  };
  for (const auto& call : forbidden) {
    EXPECT_EQ(capture(stream, graph,
                      [&] {
                        EXPECT_EQ(call(), cudaErrorStreamCaptureUnsupported);
                        EXPECT_EQ(run({1, 4, 0, stream}, add_one, array.data()), cudaErrorStreamCaptureInvalidated);
                      }),
              cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
  }
  EXPECT_EQ(capture(stream, graph,
                    [&] {
                      EXPECT_EQ(cudaMemcpyAsync(array.data(), pinned.data(), 32, cudaMemcpyHostToDevice, stream), cudaSuccess);
                    }),
            cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorInvalidValue);  // none was begun
}

}  // namespace
}  // namespace warpbo::emulation
