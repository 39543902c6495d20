/// Capture of a stream into a graph, and its replay.
#include "emulation/handles.hpp"
#include "emulation/state.hpp"
#include "emulation/stream.hpp"

#include <memory>
#include <utility>

using namespace warpbo::emulation;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return call([&] {
    const auto& recorded = stream_of(stream);
    if (stream == nullptr) return cudaErrorStreamCaptureUnsupported;  // the default stream cannot be captured
    return begin_capture(recorded, mode) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return call([&] {
    const auto& recorded = stream_of(stream);
    *graph = nullptr;
    const cudaStreamCaptureStatus how = recorded->capture_status();
    if (how == cudaStreamCaptureStatusNone) return cudaErrorInvalidValue;
    auto nodes = end_capture(recorded);
    if (how == cudaStreamCaptureStatusInvalidated) return cudaErrorStreamCaptureInvalidated;
    *graph = Handles<CUgraph_st>::get().add(std::make_unique<CUgraph_st>(CUgraph_st{std::move(nodes)}));
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
    *executable = Handles<CUgraphExec_st>::get().add(
        std::make_unique<CUgraphExec_st>(CUgraphExec_st{std::make_shared<const std::vector<Work>>(graph->nodes)}));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return call([&] {
    if (executable == nullptr) return cudaErrorInvalidValue;
    Stream& queue = *stream_of(stream);
    if (!queue.capturing()) count({.graph_launches = 1});
    return queue.submit([nodes = executable->nodes] {
      for (const Work& node : *nodes) node();
      count({.nodes = static_cast<std::int64_t>(nodes->size())});
    });
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call([&] {
    if (graph == nullptr) return cudaErrorInvalidValue;
    Handles<CUgraph_st>::get().remove(graph, "cudaGraphDestroy");
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return call([&] {
    if (executable == nullptr) return cudaErrorInvalidValue;
    Handles<CUgraphExec_st>::get().remove(executable, "cudaGraphExecDestroy");
    return cudaSuccess;
  });
}
