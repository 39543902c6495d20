#include "emulation/state.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>

namespace warpbo::emulation {

namespace {

struct State {
  std::mutex mutex;
  Options options = options_from_environment();
  Faults faults;
  std::int64_t allocations = 0, calls = 0;  // since set_faults
  cudaError_t stuck = cudaSuccess;
  Counters counters;
};

/// Outlives everything: programs may free device memory while they end.
State& state() {
  static State* const only = new State;
  return *only;
}

constinit thread_local cudaError_t last = cudaSuccess;

Order order_named(const std::string& name) {
  if (name == "ascending") return Order::ascending;
  if (name == "descending") return Order::descending;
  if (name == "shuffled") return Order::shuffled;
  throw Error("WARPBO_EMULATION_ORDER is '" + name + "'; it must be ascending, descending or shuffled");
}

}  // namespace

Options options_from_environment() {
  Options options;
  if (const char* order = std::getenv("WARPBO_EMULATION_ORDER")) options.order = order_named(order);
  if (const char* defer = std::getenv("WARPBO_EMULATION_DEFER")) options.defer = std::string(defer) == "1";
  return options;
}

Options options() {
  const std::lock_guard lock(state().mutex);
  return state().options;
}

void set_options(const Options& options) {
  const std::lock_guard lock(state().mutex);
  state().options = options;
}

Faults faults() {
  const std::lock_guard lock(state().mutex);
  return state().faults;
}

void set_faults(const Faults& faults) {
  const std::lock_guard lock(state().mutex);
  state().faults = faults;
  state().allocations = state().calls = 0;
  state().stuck = cudaSuccess;
  last = cudaSuccess;
}

bool allocation_fails() {
  const std::lock_guard lock(state().mutex);
  const Faults& faults = state().faults;
  const std::int64_t number = ++state().allocations;
  return faults.allocation > 0 && (number == faults.allocation || (faults.later_allocations_too && number > faults.allocation));
}

cudaError_t begin_call() {
  const std::lock_guard lock(state().mutex);
  State& now = state();
  ++now.calls;
  if (now.faults.call > 0 && now.calls >= now.faults.call) now.stuck = now.faults.code;
  return now.stuck;
}

cudaError_t stuck_error() {
  const std::lock_guard lock(state().mutex);
  return state().stuck;
}

cudaError_t report(cudaError_t status) {
  if (status != cudaSuccess && status != cudaErrorNotReady) last = status;
  return status;
}

cudaError_t last_error(bool forget) {
  if (const cudaError_t stuck = stuck_error(); stuck != cudaSuccess) return stuck;
  return forget ? std::exchange(last, cudaSuccess) : last;
}

void count(const Counters& more) {
  const std::lock_guard lock(state().mutex);
  Counters& all = state().counters;
  all.launches += more.launches;
  all.blocks += more.blocks;
  all.threads += more.threads;
  all.switches += more.switches;
  all.graph_launches += more.graph_launches;
  all.nodes += more.nodes;
  all.synchronizations += more.synchronizations;
  all.bytes_to_device += more.bytes_to_device;
  all.bytes_to_host += more.bytes_to_host;
  all.allocations += more.allocations;
  all.peak_bytes = std::max(all.peak_bytes, more.peak_bytes);
}

Counters counters() {
  const std::lock_guard lock(state().mutex);
  return state().counters;
}

void reset_counters() {
  const auto live = static_cast<std::int64_t>(live_bytes());
  const std::lock_guard lock(state().mutex);
  state().counters = {};
  state().counters.peak_bytes = live;
}

}  // namespace warpbo::emulation
