#include "emulation/stream.hpp"

#include "emulation/state.hpp"

#include <algorithm>
#include <utility>

namespace warpbo::emulation {

namespace {

/// Every stream of the process, for cudaDeviceSynchronize.
struct Registry {
  std::mutex mutex;
  std::vector<std::weak_ptr<Stream>> streams;
};
Registry& registry() {
  static Registry* const only = new Registry;
  return *only;
}

thread_local std::vector<std::weak_ptr<Stream>> captured_by_thread;

}  // namespace

// --------------------------------------------------------------------------------------------------------------- streams

cudaError_t Stream::submit(Work work) {
  const std::lock_guard lock(mutex_);
  if (capture_ == cudaStreamCaptureStatusInvalidated) return cudaErrorStreamCaptureInvalidated;
  if (capture_ == cudaStreamCaptureStatusActive) {
    recorded_.push_back(std::move(work));
    return cudaSuccess;
  }
  waiting_.push_back(std::move(work));
  ++submitted_;
  if (!options().defer) run_all();
  return cudaSuccess;
}

std::uint64_t Stream::submitted() const {
  const std::lock_guard lock(mutex_);
  return submitted_;
}

bool Stream::done(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  return done_ >= number;
}

void Stream::run_one() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return;
  const Work work = std::move(waiting_.front());
  waiting_.pop_front();
  ++done_;
  try {
    work();
  } catch (...) {
    // As on a device, nothing that was queued behind a kernel that failed will run.
    waiting_.clear();
    done_ = submitted_;
    throw;
  }
}

void Stream::run_until(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  while (done_ < number) run_one();
}

cudaError_t Stream::refuse_capture() {
  if (!capturing()) return cudaSuccess;
  invalidate_capture();
  return cudaErrorStreamCaptureUnsupported;
}

std::shared_ptr<Stream> make_stream() {
  auto stream = std::make_shared<Stream>();
  const std::lock_guard lock(registry().mutex);
  std::erase_if(registry().streams, [](const auto& old) { return old.expired(); });
  registry().streams.push_back(stream);
  return stream;
}

const std::shared_ptr<Stream>& stream_of(cudaStream_t handle) {
  static const std::shared_ptr<Stream>& by_default = *new std::shared_ptr<Stream>(make_stream());
  return handle == nullptr ? by_default : handle->stream;
}

void run_all_streams() {
  std::vector<std::weak_ptr<Stream>> streams;
  {
    const std::lock_guard lock(registry().mutex);
    streams = registry().streams;
  }
  for (const auto& entry : streams)
    if (const auto stream = entry.lock()) stream->run_all();
}

bool begin_capture(const std::shared_ptr<Stream>& stream, cudaStreamCaptureMode mode) {
  if (stream->capturing()) return false;
  stream->capture_ = cudaStreamCaptureStatusActive;
  if (mode != cudaStreamCaptureModeRelaxed) captured_by_thread.push_back(stream);
  return true;
}

std::vector<Work> end_capture(const std::shared_ptr<Stream>& stream) {
  std::erase_if(captured_by_thread, [&](const auto& entry) { return entry.lock() == stream; });
  stream->capture_ = cudaStreamCaptureStatusNone;
  return std::exchange(stream->recorded_, {});
}

cudaError_t refuse_while_capturing() {
  cudaError_t status = cudaSuccess;
  for (const auto& entry : captured_by_thread)
    if (const auto stream = entry.lock()) status = std::max(status, stream->refuse_capture());
  return status;
}

}  // namespace warpbo::emulation
