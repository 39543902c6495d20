/// Rounds of operations that are captured as a CUDA graph and replayed: one launch for all rounds of a call, and a shorter way
/// from one kernel to the next.
#include "backend/cuda/check.hpp"
#include "backend/cuda/cuda_backend.hpp"

#include <utility>

namespace warpbo::backend {

namespace {

class CudaRound final : public Round {
 public:
  CudaRound(CudaBackend& backend, std::function<void()> operations) : backend_(backend), operations_(std::move(operations)) {}

  void run(int times) override {
    if (times <= 0) return;
    if (!replayable_) return run_plainly(times);
    if (!graph_) capture(times);
    if (times != captured_) return run_plainly(times);
    check(cudaGraphLaunch(graph_.get(), backend_.stream()), "launching a graph");
  }

 private:
  /// The first rounds grow the workspace, make handles and upload tables: nothing of that may happen in a capture. The last one
  /// shows whether the operations can be replayed at all.
  void run_plainly(int times) {
    for (int i = 0; i < times; ++i) {
      backend_.begin_observing();
      operations_();
    }
    replayable_ = backend_.end_observing();
  }

  void capture(int times) {
    const cudaStream_t stream = backend_.stream();
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "beginning a capture");
    cudaGraph_t graph = nullptr;
    try {
      for (int i = 0; i < times; ++i) operations_();
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
    captured_ = times;
  }

  void check(cudaError_t status, const char* what) const { cuda::check(status, what, backend_.device()); }

  CudaBackend& backend_;
  std::function<void()> operations_;
  cuda::GraphExecOwner graph_;
  int captured_ = 0;         // rounds in the graph
  bool replayable_ = false;  // nothing but queued work in the last plain round
};

}  // namespace

std::unique_ptr<Round> CudaBackend::record(std::function<void()> operations) {
  enter();
  return std::make_unique<CudaRound>(*this, std::move(operations));
}

}  // namespace warpbo::backend
