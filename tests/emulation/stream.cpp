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

std::shared_ptr<Stream> make_stream() {
  auto stream = std::make_shared<Stream>();
  const std::lock_guard lock(registry().mutex);
  std::erase_if(registry().streams, [](const auto& old) { return old.expired(); });
  registry().streams.push_back(stream);
  return stream;
}

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
  work();
}

void Stream::run_until(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  while (done_ < number) run_one();
}

bool Stream::begin_capture() {
  if (capturing()) return false;
  capture_ = cudaStreamCaptureStatusActive;
  return true;
}

std::vector<Work> Stream::end_capture() {
  capture_ = cudaStreamCaptureStatusNone;
  return std::exchange(recorded_, {});
}

cudaError_t Stream::refuse_capture() {
  if (!capturing()) return cudaSuccess;
  invalidate_capture();
  return cudaErrorStreamCaptureUnsupported;
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

cudaError_t refuse_while_capturing() {
  cudaError_t status = cudaSuccess;
  for (const auto& entry : captured_by_thread)
    if (const auto stream = entry.lock()) status = std::max(status, stream->refuse_capture());
  return status;
}

namespace {

cudaError_t synchronize(Stream& stream, std::uint64_t number) {
  if (const cudaError_t status = stream.refuse_capture(); status != cudaSuccess) return status;
  count({.synchronizations = 1});
  stream.run_until(number);
  return cudaSuccess;
}

}  // namespace

}  // namespace warpbo::emulation

using namespace warpbo::emulation;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return call([&] {
    *stream = new CUstream_st{make_stream()};
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    const std::unique_ptr<CUstream_st> owner(stream);
    stream->stream->run_all();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call([&] { return synchronize(*stream_of(stream), stream_of(stream)->submitted()); });
}

/// Work that waits gets on by one piece at every question, so that a program that polls comes to an end.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return call([&] {
    Stream& asked = *stream_of(stream);
    if (const cudaError_t status = asked.refuse_capture(); status != cudaSuccess) return status;
    if (asked.done(asked.submitted())) return cudaSuccess;
    asked.run_one();
    return cudaErrorNotReady;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return call([&] {
    if (const cudaError_t status = refuse_while_capturing(); status != cudaSuccess) return status;
    count({.synchronizations = 1});
    run_all_streams();
    return cudaSuccess;
  });
}

// ---------------------------------------------------------------------------------------------------------------- events

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return call([&] {
    *event = new CUevent_st;
    (*event)->timed = (flags & cudaEventDisableTiming) == 0;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&] {
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    delete event;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call([&] {
    const auto& where = stream_of(stream);
    event->captured = where->capturing();
    if (event->captured)
      return where->capture_status() == cudaStreamCaptureStatusActive ? cudaSuccess : cudaErrorStreamCaptureInvalidated;
    event->reached = std::make_shared<std::chrono::steady_clock::time_point>();
    const cudaError_t status = where->submit([reached = event->reached] { *reached = std::chrono::steady_clock::now(); });
    event->stream = where;
    event->number = where->submitted();
    return status;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return call([&] {
    Stream& waiter = *stream_of(stream);
    // Forks of a capture onto other streams are not modelled.
    if (event->captured || waiter.capturing()) {
      if (waiter.capturing()) waiter.invalidate_capture();
      return cudaErrorStreamCaptureUnsupported;
    }
    if (event->stream == nullptr) return cudaSuccess;
    return waiter.submit([before = event->stream, number = event->number] { before->run_until(number); });
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&] {
    if (event->captured) return cudaErrorCapturedEvent;
    if (event->stream == nullptr) return cudaSuccess;
    count({.synchronizations = 1});
    event->stream->run_until(event->number);
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return call([&] {
    if (event->captured) return cudaErrorCapturedEvent;
    if (event->stream == nullptr || event->stream->done(event->number)) return cudaSuccess;
    event->stream->run_one();
    return cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call([&] {
    for (const cudaEvent_t event : {start, end}) {
      if (!event->timed || event->stream == nullptr) return cudaErrorInvalidResourceHandle;
      if (!event->stream->done(event->number)) return cudaErrorNotReady;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(*end->reached - *start->reached).count();
    return cudaSuccess;
  });
}

// ---------------------------------------------------------------------------------------------------------------- graphs

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return call([&] {
    const auto& recorded = stream_of(stream);
    if (stream == nullptr) return cudaErrorStreamCaptureUnsupported;  // the default stream cannot be captured
    if (!recorded->begin_capture()) return cudaErrorInvalidValue;
    if (mode != cudaStreamCaptureModeRelaxed) captured_by_thread.push_back(recorded);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return call([&] {
    const auto& recorded = stream_of(stream);
    *graph = nullptr;
    const cudaStreamCaptureStatus how = recorded->capture_status();
    if (how == cudaStreamCaptureStatusNone) return cudaErrorInvalidValue;
    std::erase_if(captured_by_thread, [&](const auto& entry) { return entry.lock() == recorded; });
    auto nodes = recorded->end_capture();
    if (how == cudaStreamCaptureStatusInvalidated) return cudaErrorStreamCaptureInvalidated;
    *graph = new CUgraph_st{std::move(nodes)};
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return call([&] {
    *status = stream_of(stream)->capture_status();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return call([&] {
    if (graph == nullptr) return cudaErrorInvalidValue;
    *executable = new CUgraphExec_st{std::make_shared<const std::vector<Work>>(graph->nodes)};
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return call([&] {
    if (executable == nullptr) return cudaErrorInvalidValue;
    count({.graph_launches = 1});
    return stream_of(stream)->submit([nodes = executable->nodes] {
      for (const Work& node : *nodes) node();
      count({.nodes = static_cast<std::int64_t>(nodes->size())});
    });
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call([&] {
    delete graph;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return call([&] {
    delete executable;
    return cudaSuccess;
  });
}
