/// Streams, events and graphs: queues of work that runs at once, waits, or is recorded.
#pragma once

#include "emulation/emulation.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace warpbo::emulation {

using Work = std::function<void()>;

class Stream {
 public:
  /// Runs `work` now, keeps it if work is deferred, or records it if the stream is being captured.
  cudaError_t submit(Work work);

  /// Numbers of submitted pieces of work count from 1.
  [[nodiscard]] std::uint64_t submitted() const;
  [[nodiscard]] bool done(std::uint64_t number) const;
  void run_until(std::uint64_t number);
  void run_one();
  void run_all() { run_until(submitted()); }

  [[nodiscard]] cudaStreamCaptureStatus capture_status() const { return capture_; }
  [[nodiscard]] bool capturing() const { return capture_ != cudaStreamCaptureStatusNone; }
  void invalidate_capture() { capture_ = cudaStreamCaptureStatusInvalidated; }
  /// For calls that cannot be recorded: success if the stream is not being captured; otherwise spoils the capture.
  cudaError_t refuse_capture();

 private:
  friend bool begin_capture(const std::shared_ptr<Stream>&, cudaStreamCaptureMode);
  friend std::vector<Work> end_capture(const std::shared_ptr<Stream>&);

  mutable std::recursive_mutex mutex_;
  std::deque<Work> waiting_;
  std::uint64_t submitted_ = 0, done_ = 0;
  cudaStreamCaptureStatus capture_ = cudaStreamCaptureStatusNone;
  std::vector<Work> recorded_;
};

[[nodiscard]] std::shared_ptr<Stream> make_stream();

/// Null is the default stream. It is a stream like any other here: no other stream waits for it.
[[nodiscard]] const std::shared_ptr<Stream>& stream_of(cudaStream_t handle);

/// Runs all work of all streams.
void run_all_streams();

/// Capture of a stream by the calling thread. Beginning returns false if one is going on; ending returns what was recorded.
bool begin_capture(const std::shared_ptr<Stream>& stream, cudaStreamCaptureMode mode);
std::vector<Work> end_capture(const std::shared_ptr<Stream>& stream);

/// For calls that CUDA forbids to a thread while it captures any stream (cudaMalloc and the like): success, or the error,
/// having spoilt the capture.
cudaError_t refuse_while_capturing();

}  // namespace warpbo::emulation

struct CUstream_st {
  std::shared_ptr<warpbo::emulation::Stream> stream;
};

struct CUevent_st {
  bool timed = true;
  bool captured = false;                              // last recorded in a capture
  std::shared_ptr<warpbo::emulation::Stream> stream;  // on which it was recorded, and after how much work
  std::uint64_t number = 0;
  std::shared_ptr<std::chrono::steady_clock::time_point> reached;
};

struct CUgraph_st {
  std::vector<warpbo::emulation::Work> nodes;
};

struct CUgraphExec_st {
  std::shared_ptr<const std::vector<warpbo::emulation::Work>> nodes;
};
