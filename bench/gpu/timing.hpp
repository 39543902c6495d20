/// Times of work that a device does while the host goes on.
#pragma once

#include "backend/backend.hpp"

#include <functional>

namespace warpbo::bench {

struct Timing {
  double median = 0;   ///< seconds per call
  double least = 0;    ///< of the samples
  double latency = 0;  ///< seconds of one call with a wait after it, the median
  int samples = 0;
  int queued = 1;  ///< calls of a sample, between two waits
};

struct Limits {
  double seconds = 1;  ///< of samples
  int enough = 50;     ///< samples
  int queue = 64;      ///< the most calls of a sample
};

/// `call(i)` queues the i-th of the sample's calls, `prepare(calls)` makes their inputs fresh; only the calls are timed. A call
/// of less than a millisecond is queued several times before one wait, so that the wait is not what is measured.
struct Repeated {
  std::function<void(int)> call;
  std::function<void(int)> prepare = [](int) {};
};
[[nodiscard]] Timing measure(backend::Backend& backend, const Limits& limits, const Repeated& work);

/// The median of what `seconds()` returns, for work that measures itself; not more than `enough` times.
[[nodiscard]] Timing measure_each(const Limits& limits, const std::function<double()>& seconds);

[[nodiscard]] double now();

}  // namespace warpbo::bench
