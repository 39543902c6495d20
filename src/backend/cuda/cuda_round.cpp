/// Rounds of operations that are captured once as a CUDA graph and replayed: one launch per round instead of one per kernel.
#include "backend/cuda/check.hpp"
#include "backend/cuda/cuda_backend.hpp"

#include <utility>

namespace warpbo::backend {

namespace {

class CudaRound final : public Round {
 public:
  CudaRound(CudaBackend& backend, std::function<void()> operations) : backend_(backend), operations_(std::move(operations)) {}

  void run(int times) override {
    for (int i = 0; i < times; ++i) {
      if (graph_)
        check(cudaGraphLaunch(graph_.get(), backend_.stream()), "launching a graph");
      else if (seen_ == 0 || !replayable_)
        run_plainly();
      else
        capture(), check(cudaGraphLaunch(graph_.get(), backend_.stream()), "launching a graph");
      ++seen_;
    }
  }

 private:
  /// The first round grows the workspace, makes handles and uploads tables: nothing of that may happen in a capture. It also
  /// shows whether the operations can be replayed at all.
  void run_plainly() {
    backend_.begin_observing();
    operations_();
    const bool clean = backend_.end_observing();
    // Growth is expected in the first round only; a second round that still leaves the stream will always do so.
    if (seen_ >= 1) replayable_ = clean;
  }

  void capture() {
    const cudaStream_t stream = backend_.stream();
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "beginning a capture");
    cudaGraph_t graph = nullptr;
    try {
      operations_();
    } catch (...) {
      (void)cudaStreamEndCapture(stream, &graph);
      const cuda::GraphOwner dropped(graph);
      throw;
    }
    check(cudaStreamEndCapture(stream, &graph), "ending a capture");
    const cuda::GraphOwner owner(graph);
    cudaGraphExec_t executable = nullptr;
    check(cudaGraphInstantiate(&executable, graph, 0), "making a graph");
    graph_.reset(executable);
  }

  void check(cudaError_t status, const char* what) const { cuda::check(status, what, backend_.device()); }

  CudaBackend& backend_;
  std::function<void()> operations_;
  cuda::GraphExecOwner graph_;
  int seen_ = 0;
  bool replayable_ = false;
};

}  // namespace

std::unique_ptr<Round> CudaBackend::record(std::function<void()> operations) {
  enter();
  return std::make_unique<CudaRound>(*this, std::move(operations));
}

}  // namespace warpbo::backend
