/// What the benchmarks of whole studies share.
#pragma once

#include <warpbo/warpbo.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

extern "C" void dgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k,
                       const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
                       const double* beta, double* c, const int* ldc);

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

inline warpbo::Space box(int dimensions) {
  warpbo::Space space;
  for (int i = 0; i < dimensions; ++i) space.real("x" + std::to_string(i), 0.0, 1.0);
  return space;
}

/// A bowl with ripples, so that the model has something to learn and something to get wrong.
inline double objective(const warpbo::Trial& trial) {
  double sum = 0;
  int i = 0;
  for (const auto& [name, value] : trial.parameters) {
    const double offset = std::get<double>(value) - 0.2 - 0.6 * std::fmod(0.618 * ++i, 1.0);
    sum += offset * offset + 0.02 * std::sin(25 * offset);
  }
  return sum;
}

/// Rate of one product of two 512 x 512 matrices: the best of five.
inline double dgemm_rate() {
  constexpr int kSize = 512;
  const std::vector<double> a(kSize * kSize, 1.25), b(kSize * kSize, 0.75);
  std::vector<double> c(kSize * kSize);
  const double one = 1, zero = 0;
  double best = 1e300;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    dgemm_("N", "N", &kSize, &kSize, &kSize, &one, a.data(), &kSize, b.data(), &kSize, &zero, c.data(), &kSize);
    benchmark::DoNotOptimize(c.data());
    best = std::min(best, seconds_since(start));
  }
  return 2.0 * kSize * kSize * kSize / best;
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The largest resident size of this process so far, in bytes.
inline double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return 1024.0 * std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace bench
