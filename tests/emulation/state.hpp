/// What the parts of the stand-in share: settings, faults, counters, and the way every API function reports its status.
#pragma once

#include "emulation/emulation.hpp"

#include <cstdint>
#include <utility>

namespace warpbo::emulation {

/// Adds to the counters; peak_bytes is the largest ever given.
void count(const Counters& more);

[[nodiscard]] Faults faults();
/// Counts an allocation; true if it shall fail.
[[nodiscard]] bool allocation_fails();

/// Remembers a failure for cudaGetLastError, and returns it.
cudaError_t report(cudaError_t status);
[[nodiscard]] cudaError_t stuck_error();
cudaError_t last_error(bool forget);

/// Counts a call that can report an asynchronous error: that error, if there is one by now.
[[nodiscard]] cudaError_t begin_call();

/// The frame of every such function of the API.
template <class Body>
cudaError_t call(Body&& body) {
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return report(status);
  return report(std::forward<Body>(body)());
}

}  // namespace warpbo::emulation
