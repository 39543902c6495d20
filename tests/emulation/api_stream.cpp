/// Streams and events.
#include "emulation/handles.hpp"
#include "emulation/state.hpp"
#include "emulation/stream.hpp"

#include <memory>

using namespace warpbo::emulation;

namespace {

cudaError_t synchronize(Stream& stream, std::uint64_t number) {
  if (const cudaError_t status = stream.refuse_capture(); status != cudaSuccess) return status;
  count({.synchronizations = 1});
  stream.run_until(number);
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return call([&] {
    *stream = Handles<CUstream_st>::get().add(std::make_unique<CUstream_st>(CUstream_st{make_stream()}));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&] {
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    const auto owner = Handles<CUstream_st>::get().remove(stream, "cudaStreamDestroy");
    owner->stream->run_all();
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
    *event = Handles<CUevent_st>::get().add(std::make_unique<CUevent_st>());
    (*event)->timed = (flags & cudaEventDisableTiming) == 0;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&] {
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    Handles<CUevent_st>::get().remove(event, "cudaEventDestroy");
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
