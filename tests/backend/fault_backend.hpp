/// A backend that fails on demand, over any other one: what a device without memory, a lost device and a wrong factorization
/// look like to the layers above, on a machine without a device. It also counts what crosses the bus.
#pragma once

#include "backend/backend.hpp"

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>

namespace warpbo::backend {

/// What goes wrong, and when. Indices count from 0, from the last `plan`; kNever switches a fault off.
struct Faults {
  static constexpr std::int64_t kNever = -1;

  std::int64_t failing_allocation = kNever;  ///< throws resource_exhausted
  bool all_later_allocations = false;        ///< fail too

  std::int64_t lost_at_call = kNever;  ///< this call and all later ones throw unavailable

  enum class Wrong {
    nan,    ///< info 0, a result that is not a number
    info,   ///< info 1
    absurd  ///< info 0, a finite result that is wrong
  };
  std::int64_t wrong_factorization = kNever;  ///< of the runs of Cholesky and Likelihood together
  bool all_later_factorizations = false;      ///< are wrong too
  Wrong wrong = Wrong::nan;
};

struct Traffic {
  std::int64_t calls = 0;  ///< of everything but name, traits and release
  std::int64_t allocations = 0;
  std::int64_t factorizations = 0;
  std::int64_t uploads = 0;
  std::int64_t uploaded_bytes = 0;
  std::int64_t waits = 0;  ///< calls of download and synchronize: the host stands still until the device is done
  std::int64_t downloaded_bytes = 0;
  std::int64_t calls_after_loss = 0;  ///< beyond the one that reported it
};

/// Like a CUDA device it is of no use in a process forked from the one that opened it: every call there throws unavailable.
class FaultBackend final : public Backend {
 public:
  explicit FaultBackend(std::shared_ptr<Backend> inner, std::string name = "cuda:0")
      : inner_(std::move(inner)), name_(std::move(name)), process_(getpid()) {}

  /// From now on these faults; counting begins anew. A lost device works again.
  void plan(const Faults& faults);
  [[nodiscard]] const Traffic& traffic() const noexcept { return traffic_; }
  /// Whether the planned fault has happened.
  [[nodiscard]] bool struck() const noexcept { return struck_; }
  /// Allocations that were not released yet.
  [[nodiscard]] std::int64_t held() const noexcept { return held_; }

  [[nodiscard]] std::string name() const override { return name_; }
  /// A device is asked less often whether an iteration has ended than the CPU.
  [[nodiscard]] Traits traits() const override {
    return {.rounds_per_check = 8, .memory_limit = memory_limit_ > 0 ? memory_limit_ : inner_->traits().memory_limit};
  }
  /// Says that it has only this much memory; it does not mind when more is taken.
  void claim_memory(std::size_t bytes) noexcept { memory_limit_ = bytes; }
  [[nodiscard]] void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* to, const void* from_host, std::size_t bytes) override;
  void download(void* to_host, const void* from, std::size_t bytes) override;
  void copy(const ConstMatrix& from, const Matrix& to) override;
  void fill(const Matrix& out, double value) override;
  void synchronize() override;

  void run(const FillSobol& call) override { forward(call); }
  void run(const FillRandom& call) override { forward(call); }
  void run(const Gram& call) override { forward(call); }
  void run(const CrossGram& call) override { forward(call); }
  void run(const Likelihood& call) override;
  void run(const Cholesky& call) override;
  void run(const TriangularInverse& call) override { forward(call); }
  void run(const SolveLower& call) override { forward(call); }
  void run(const Multiply& call) override { forward(call); }
  void run(const Posterior& call) override { forward(call); }
  void run(const PosteriorExtend& call) override { forward(call); }
  void run(const Score& call) override { forward(call); }
  void run(const Acquisition& call) override { forward(call); }
  void run(const SelectTop& call) override { forward(call); }
  void run(const LbfgsStep& call) override { forward(call); }
  void run(const EvaluateFeatures& call) override { forward(call); }
  void run(const Paths& call) override { forward(call); }
  void run(const ScreenPaths& call) override { forward(call); }

 private:
  template <class Call>
  void forward(const Call& call) {
    count_call();
    inner_->run(call);
  }
  void count_call();
  [[nodiscard]] bool goes_wrong();
  void write_info(const VectorView<std::int32_t>& info, std::int32_t value);

  std::shared_ptr<Backend> inner_;
  std::string name_;
  int process_;
  Faults faults_;
  Traffic traffic_;
  std::int64_t held_ = 0;
  std::size_t memory_limit_ = 0;
  bool lost_ = false;
  bool struck_ = false;
};

}  // namespace warpbo::backend
