/// The CPU engine: every operation runs at once, on the calling thread and, where it is large enough to pay, on the process's
/// pool. One file per operation beside this one.
#pragma once

#include "backend/backend.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/team.hpp"

namespace warpbo::backend {

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int threads) : team_(threads) {}

  [[nodiscard]] std::string name() const override { return "cpu"; }
  [[nodiscard]] Traits traits() const override;

  [[nodiscard]] void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* to, const void* from_host, std::size_t bytes) override;
  void download(void* to_host, const void* from, std::size_t bytes) override;
  void copy(const ConstMatrix& from, const Matrix& to) override;
  void fill(const Matrix& out, double value) override;
  void synchronize() override {}

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

 private:
  cpu::Team team_;
  cpu::ScratchPool scratch_;
};

}  // namespace warpbo::backend
