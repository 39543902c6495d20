#include "gpu/timing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace warpbo::bench {

namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double sample(backend::Backend& backend, const Repeated& work, int calls) {
  work.prepare(calls);
  backend.synchronize();
  const double start = now();
  for (int i = 0; i < calls; ++i) work.call(i);
  backend.synchronize();
  return (now() - start) / calls;
}

}  // namespace

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Timing measure_each(const Limits& limits, const std::function<double()>& seconds) {
  std::vector<double> samples;
  const double start = now();
  while (samples.empty() || (static_cast<int>(samples.size()) < limits.enough && now() - start < limits.seconds))
    samples.push_back(seconds());
  const double middle = median(samples);
  return {middle, *std::min_element(samples.begin(), samples.end()), middle, static_cast<int>(samples.size()), 1};
}

Timing measure(backend::Backend& backend, const Limits& limits, const Repeated& work) {
  (void)sample(backend, work, 1);  // handles, workspace, code: not part of the time
  double once = sample(backend, work, 1);
  if (once < 0.5 * limits.seconds) once = std::min(once, sample(backend, work, 1));
  Limits single = limits;
  if (once < 0.1 * limits.seconds) {
    single.enough = std::min(limits.enough, 20);
    single.seconds = 0.2 * limits.seconds;
    once = measure_each(single, [&] { return sample(backend, work, 1); }).median;
  }
  constexpr double kLong = 2e-3;
  const int queued = once > 1e-3 ? 1 : std::clamp(static_cast<int>(std::ceil(kLong / once)), 1, limits.queue);
  Timing timing = measure_each(limits, [&] { return sample(backend, work, queued); });
  timing.latency = once;
  timing.queued = queued;
  return timing;
}

}  // namespace warpbo::bench
