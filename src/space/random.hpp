/// A small random number generator for sampling inside constraints.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace warpbo::space {

/// SplitMix64 (Steele, Lea, Flood 2014): one 64-bit state, every seed is good, the same numbers on every platform.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t bits() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, 1).
  double uniform() noexcept { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// Uniform in 0 ... count - 1.
  std::size_t below(std::size_t count) noexcept { return static_cast<std::size_t>(uniform() * static_cast<double>(count)); }
  /// Standard normal (Box and Muller).
  double normal() noexcept {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  /// Exponential with mean 1.
  double exponential() noexcept { return -std::log(1 - uniform()); }

 private:
  std::uint64_t state_;
};

}  // namespace warpbo::space
