/// Counter-based random numbers: Philox-4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
/// 2011).
///
/// A number is a function of its coordinates alone, so threads, processes and devices agree without sharing a state.
#pragma once

#include "math/host_device.hpp"
#include "math/quantile.hpp"

#include <cstdint>

namespace warpbo::math {

/// Scrambles 64 bits so that every input bit reaches every output bit (the finalizer of SplitMix64; Steele, Lea & Flood 2014).
/// A bijection.
WARPBO_HD inline std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

struct PhiloxBlock {
  std::uint32_t word[4];
};

/// The 128 random bits that belong to a counter and a key.
WARPBO_HD inline PhiloxBlock philox4x32(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t left = std::uint64_t{0xd2511f53u} * counter.word[0];
    const std::uint64_t right = std::uint64_t{0xcd9e8d57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(right >> 32) ^ counter.word[1] ^ key0, static_cast<std::uint32_t>(right),
                static_cast<std::uint32_t>(left >> 32) ^ counter.word[3] ^ key1, static_cast<std::uint32_t>(left)}};
    key0 += 0x9e3779b9u;  // 2^32 / golden ratio
    key1 += 0xbb67ae85u;  // 2^32 (sqrt(3) - 1)
  }
  return counter;
}

/// 128 bits for cell (row, column) of a random matrix. Distinct as long as rows stay below 2^44 and columns below 2^20.
WARPBO_HD inline PhiloxBlock philox_cell(std::uint64_t seed, std::uint64_t stream, std::uint64_t row, std::uint64_t column) {
  const std::uint64_t cell = row | column << 44;
  return philox4x32({{static_cast<std::uint32_t>(cell), static_cast<std::uint32_t>(cell >> 32),
                      static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}},
                    static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
}

/// The first 64 of those bits.
WARPBO_HD inline std::uint64_t philox_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t row, std::uint64_t column) {
  const PhiloxBlock block = philox_cell(seed, stream, row, column);
  return std::uint64_t{block.word[1]} << 32 | block.word[0];
}

/// 64 random bits as a uniform in [0, 1): all multiples of 2^-53.
WARPBO_HD inline double unit_interval(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

/// 64 random bits as a uniform in the open interval (0, 1): odd multiples of 2^-53, symmetric about 1/2.
WARPBO_HD inline double open_unit_interval(std::uint64_t bits) { return static_cast<double>((bits >> 11) | 1) * 0x1p-53; }

/// Uniform in [0, 1) for cell (row, column).
WARPBO_HD inline double philox_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t row, std::uint64_t column) {
  return unit_interval(philox_bits(seed, stream, row, column));
}

/// Standard normal for cell (row, column), by inversion: |value| < 8.3. The same bits on every machine (see quantile.hpp).
WARPBO_HD inline double philox_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t row, std::uint64_t column) {
  return normal_quantile(open_unit_interval(philox_bits(seed, stream, row, column)));
}

/// The same numbers one after another: the cells (row, 0), (row, 1), ... of one row.
struct PhiloxSequence {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint64_t row = 0;
  std::uint64_t column = 0;

  WARPBO_HD std::uint64_t bits() { return philox_bits(seed, stream, row, column++); }
  WARPBO_HD double uniform() { return unit_interval(bits()); }
  WARPBO_HD double normal() { return normal_quantile(open_unit_interval(bits())); }
  /// Uniform in 0, 1, ..., count - 1 (count >= 1); the bias is below count / 2^53.
  WARPBO_HD std::uint64_t below(std::uint64_t count) {
    const auto value = static_cast<std::uint64_t>(uniform() * static_cast<double>(count));
    return value < count ? value : count - 1;
  }
};

}  // namespace warpbo::math
