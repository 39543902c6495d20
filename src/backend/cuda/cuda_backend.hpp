/// The CUDA engine. Each operation is one file of kernels/, which holds its kernels and its run().
///
/// One stream, one stack arena for temporaries, one pinned staging area. Everything is queued on the stream; only `download`
/// and `synchronize` wait. One object is used by one thread at a time; objects do not share anything but the device.
#pragma once

#include "backend/backend.hpp"
#include "backend/cuda/dense.hpp"
#include "backend/cuda/handles.hpp"
#include "backend/cuda/staging.hpp"
#include "backend/cuda/tuning.hpp"
#include "backend/memory.hpp"

#include <memory>
#include <string>

namespace warpbo::backend {

class CudaBackend final : public Backend {
 public:
  /// Opens device `index`. Throws unavailable, naming what is missing and what would help.
  explicit CudaBackend(int index, const cuda::Tuning& tuning = {});
  ~CudaBackend() override;

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] Traits traits() const override;

  [[nodiscard]] void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* to, const void* from_host, std::size_t bytes) override;
  void download(void* to_host, const void* from, std::size_t bytes) override;
  void copy(const ConstMatrix& from, const Matrix& to) override;
  void fill(const Matrix& out, double value) override;
  void synchronize() override;
  [[nodiscard]] std::unique_ptr<Round> record(std::function<void()> operations) override;

  void run(const FillSobol&) override;
  void run(const FillRandom&) override;
  void run(const Gram&) override;
  void run(const CrossGram&) override;
  void run(const Likelihood&) override;
  void run(const Cholesky&) override;
  void run(const TriangularInverse&) override;
  void run(const SolveLower&) override;
  void run(const Multiply&) override;
  void run(const Posterior&) override;
  void run(const PosteriorExtend&) override;
  void run(const Score&) override;
  void run(const Acquisition&) override;
  void run(const SelectTop&) override;
  void run(const LbfgsStep&) override;
  void run(const EvaluateFeatures&) override;
  void run(const Paths&) override;
  void run(const ScreenPaths&) override;

  // What the operations share.

  /// Makes the device current for the calling thread. Every entry point begins with it. Throws unavailable when the device is
  /// lost or the process was forked after the backend was made.
  void enter();
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_.get(); }
  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] const cuda::Tuning& tuning() const noexcept { return tuning_; }
  /// Temporaries in stack order; what a scope gives back may be taken by the next operation, since the stream keeps the order.
  [[nodiscard]] Arena& workspace() noexcept { return *workspace_; }
  /// cuBLAS and cuSOLVER, made at first use.
  [[nodiscard]] cuda::Dense& dense();
  [[nodiscard]] int multiprocessors() const noexcept { return multiprocessors_; }
  /// Bytes of shared memory that one block can have.
  [[nodiscard]] std::size_t shared_limit() const noexcept { return shared_limit_; }
  /// Between the two, notes whether anything happened that a recorded round cannot repeat: memory taken, bytes moved to or from
  /// the host, a vendor's routine that waits. `end_observing` returns true if nothing did.
  void begin_observing() noexcept { replayable_ = true; }
  [[nodiscard]] bool end_observing() const noexcept { return replayable_; }
  void not_replayable() noexcept { replayable_ = false; }
  /// Directions of the Sobol' sequence on the device (math::SobolDirections), uploaded at first use.
  [[nodiscard]] const std::uint32_t* sobol_directions();

 private:
  void check(cudaError_t status, const char* what) const;
  [[nodiscard]] bool usable() const noexcept;
  void abandon() noexcept;

  int device_;
  std::string name_;
  cuda::Tuning tuning_;
  int process_;  // that made the object: CUDA does not survive a fork
  int multiprocessors_ = 0;
  std::size_t shared_limit_ = 0;
  std::size_t free_at_start_ = 0;
  bool replayable_ = true;
  cuda::MemoryPoolOwner pool_;
  cuda::StreamOwner stream_;
  cuda::Staging staging_;
  Buffer<std::uint32_t> sobol_;
  std::unique_ptr<Arena> workspace_;
  std::unique_ptr<cuda::Dense> dense_;
};

/// The CUDA engine on device `index`.
[[nodiscard]] std::shared_ptr<Backend> make_cuda_engine(int index, const cuda::Tuning& tuning = {});

}  // namespace warpbo::backend
