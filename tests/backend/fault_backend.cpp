#include "backend/fault_backend.hpp"

#include <warpbo/error.hpp>

#include <limits>

namespace warpbo::backend {

namespace {

/// Whether the planned index is reached by number `index`.
bool due(std::int64_t planned, bool later_too, std::int64_t index) {
  return planned != Faults::kNever && (index == planned || (later_too && index > planned));
}

}  // namespace

void FaultBackend::plan(const Faults& faults) {
  faults_ = faults;
  traffic_ = {};
  lost_ = struck_ = false;
}

void FaultBackend::count_call() {
  const std::int64_t index = traffic_.calls++;
  if (lost_) ++traffic_.calls_after_loss;
  if (process_ != getpid()) {
    lost_ = struck_ = true;
    throw Error(ErrorCode::unavailable, name_ + " was opened before this process was forked");
  }
  if (!due(faults_.lost_at_call, true, index)) return;
  lost_ = struck_ = true;
  throw Error(ErrorCode::unavailable, name_ + ": an illegal memory access was encountered");
}

void* FaultBackend::allocate(std::size_t bytes) {
  count_call();
  if (due(faults_.failing_allocation, faults_.all_later_allocations, traffic_.allocations++)) {
    struck_ = true;
    throw Error(ErrorCode::resource_exhausted, std::to_string(bytes) + " bytes wanted");
  }
  void* memory = inner_->allocate(bytes);
  ++held_;
  return memory;
}

void FaultBackend::release(void* memory) noexcept {
  inner_->release(memory);
  --held_;
}

void FaultBackend::upload(void* to, const void* from_host, std::size_t bytes) {
  count_call();
  ++traffic_.uploads;
  traffic_.uploaded_bytes += static_cast<std::int64_t>(bytes);
  inner_->upload(to, from_host, bytes);
}

void FaultBackend::download(void* to_host, const void* from, std::size_t bytes) {
  count_call();
  ++traffic_.waits;
  traffic_.downloaded_bytes += static_cast<std::int64_t>(bytes);
  inner_->download(to_host, from, bytes);
}

void FaultBackend::copy(const ConstMatrix& from, const Matrix& to) {
  count_call();
  inner_->copy(from, to);
}

void FaultBackend::fill(const Matrix& out, double value) {
  count_call();
  inner_->fill(out, value);
}

void FaultBackend::synchronize() {
  count_call();
  ++traffic_.waits;
  inner_->synchronize();
}

bool FaultBackend::goes_wrong() {
  const bool wrong = due(faults_.wrong_factorization, faults_.all_later_factorizations, traffic_.factorizations++);
  struck_ = struck_ || wrong;
  return wrong;
}

void FaultBackend::write_info(const VectorView<std::int32_t>& info, std::int32_t value) {
  if (!info.empty()) inner_->upload(info.data, &value, sizeof value);
}

void FaultBackend::run(const Cholesky& call) {
  forward(call);
  if (!goes_wrong() || call.factor.empty()) return;
  if (faults_.wrong == Faults::Wrong::info) return write_info(call.info, 1);
  write_info(call.info, 0);
  const std::int64_t last = call.factor.rows - 1;
  const double entry = faults_.wrong == Faults::Wrong::nan ? std::numeric_limits<double>::quiet_NaN() : 1000;
  inner_->fill(call.factor.member(0).block(last, last, 1, 1), entry);
}

void FaultBackend::run(const Likelihood& call) {
  forward(call);
  if (!goes_wrong() || call.value.empty()) return;
  const Matrix first{call.value.data, 1, 1, 1, 1, 0};
  const double infinity = std::numeric_limits<double>::infinity();
  switch (faults_.wrong) {
    case Faults::Wrong::nan:
      return inner_->fill(first, std::numeric_limits<double>::quiet_NaN());
    case Faults::Wrong::absurd:
      return inner_->fill(first, -1e300);
    case Faults::Wrong::info:
      break;
  }
  write_info(call.info, 1);
  inner_->fill(first, infinity);
  if (!call.gradient.empty()) inner_->fill(call.gradient.block(0, 0, 1, call.gradient.columns), 0);
}

}  // namespace warpbo::backend
