/// Sobol' points with hash-based Owen scrambling, each computed directly from its index.
///
/// Directions: Joe & Kuo 2008 (sobol_directions.hpp). Scrambling: a nested uniform (Owen) scramble of the first 32 binary
/// digits by hashing, as Laine & Karras 2011 proposed and Burley 2020 (JCGT 9(4)) made practical: on the bit-reversed value
/// every step lets a digit be changed only by the digits above it. The digits beyond the 32nd are independent and uniform, as
/// in a true Owen scramble: no two of the first 2^32 points share a first half, so their digits below it are unrelated. After
/// 2^32 points the sequence begins again with another scramble.
///
/// Points come in natural order (point i is the plain radical inverse in dimension 0), so any 2^k points that begin at a
/// multiple of 2^k are a net. Only integer arithmetic and one exact conversion are used: every machine gives the same bits.
#pragma once

#include "math/host_device.hpp"
#include "math/philox.hpp"
#include "math/sobol_directions.hpp"

#include <cstdint>

namespace warpbo::math {

inline constexpr int kSobolBits = 32;

/// Directions of all dimensions, kSobolDimensions x kSobolBits, row after row: what a device needs a copy of.
struct SobolDirections {
  std::uint32_t value[kSobolDimensions][kSobolBits];
};

/// Expands the table: v_k = m_k 2^-k as 32-bit fractions, with the recurrence of Bratley & Fox 1988 (eq. 2).
inline void expand_sobol_directions(SobolDirections& out) {
  for (int k = 0; k < kSobolBits; ++k) out.value[0][k] = 0x80000000u >> k;
  const std::uint16_t* initial = kSobolInitialNumbers;
  for (int dimension = 1; dimension < kSobolDimensions; ++dimension) {
    const std::uint32_t polynomial = kSobolPolynomials[dimension - 1];
    int degree = 0;
    while (polynomial >> (degree + 1) != 0) ++degree;
    std::uint32_t* v = out.value[dimension];
    for (int k = 0; k < degree; ++k) v[k] = static_cast<std::uint32_t>(*initial++) << (31 - k);
    for (int k = degree; k < kSobolBits; ++k) {
      v[k] = v[k - degree] ^ (v[k - degree] >> degree);
      for (int j = 1; j < degree; ++j) {
        if ((polynomial >> (degree - j) & 1) != 0) v[k] ^= v[k - j];
      }
    }
  }
}

/// The expanded table in host memory, made at first use.
inline const SobolDirections& sobol_directions() {
  struct Table {
    SobolDirections directions;
    Table() { expand_sobol_directions(directions); }
  };
  static const Table table;
  return table.directions;
}

/// First 32 binary digits of coordinate `index` without scrambling; `directions` is one row of the table. Uses the low 32 bits
/// of the index.
WARPBO_HD inline std::uint32_t sobol_digits(const std::uint32_t* directions, std::uint64_t index) {
  std::uint32_t digits = 0;
  for (std::uint32_t rest = static_cast<std::uint32_t>(index), k = 0; rest != 0; rest >>= 1, ++k) {
    if ((rest & 1) != 0) digits ^= directions[k];
  }
  return digits;
}

WARPBO_HD inline std::uint32_t reverse_bits(std::uint32_t x) {
  x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
  x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
  x = (x >> 8 & 0x00ff00ffu) | (x & 0x00ff00ffu) << 8;
  return x >> 16 | x << 16;
}

/// One keyed permutation of bit-reversed digits in which a bit depends on itself and the bits below it only: additions, odd
/// multiplications and x ^ (even * x) all have this property. Multipliers from N. Vegdahl's search for a better Laine-Karras
/// hash (2021).
WARPBO_HD inline std::uint32_t nested_permutation(std::uint32_t x, std::uint32_t key) {
  x ^= x * 0x3d20adeau;
  x += key;
  x *= (key >> 16) | 1;
  x ^= x * 0x05526c56u;
  x ^= x * 0x53a22864u;
  return x;
}

/// The key of one dimension's scramble in the block of 2^32 points that holds `index`.
WARPBO_HD inline std::uint64_t sobol_scramble_key(std::uint64_t seed, std::uint64_t dimension, std::uint64_t index) {
  return mix64(mix64(mix64(seed) ^ dimension) ^ (index >> kSobolBits));
}

/// Digits of a coordinate -> scrambled coordinate in [0, 1), a multiple of 2^-53. Two keyed permutations are chained, so that all 64 bits of
/// the key count.
WARPBO_HD inline double sobol_scramble(std::uint32_t digits, std::uint64_t key) {
  std::uint32_t x = reverse_bits(digits);
  x = nested_permutation(x, static_cast<std::uint32_t>(key));
  x = nested_permutation(x, static_cast<std::uint32_t>(key >> 32));
  const std::uint64_t high = reverse_bits(x);
  const std::uint64_t low = mix64(key ^ (high << 32 | digits)) >> 43;  // 21 further digits
  return static_cast<double>(high << 21 | low) * 0x1p-53;
}

/// Coordinate `dimension` of scrambled point `index`. `directions` is the whole table (host or device copy). Dimensions beyond
/// the table are independent Philox uniforms.
WARPBO_HD inline double sobol_uniform(const SobolDirections& directions, std::uint64_t seed, std::uint64_t index,
                                      std::uint64_t dimension) {
  if (dimension >= static_cast<std::uint64_t>(kSobolDimensions)) {
    return philox_uniform(mix64(seed), 0x536f626f6cULL, index, dimension);
  }
  return sobol_scramble(sobol_digits(directions.value[dimension], index), sobol_scramble_key(seed, dimension, index));
}

}  // namespace warpbo::math
