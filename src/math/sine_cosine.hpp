/// Sine and cosine of the same angle without branches, so that compilers turn them into vector code.
#pragma once

#include "math/host_device.hpp"

#include <bit>
#include <cstdint>

namespace warpbo::math {

struct SineCosine {
  double sine;
  double cosine;
};

/// Both to within 1e-15 for |x| <= 1e6, and to within 2.3e-16 |x| beyond, which is without meaning, but finite, where x is
/// huge; NaN for NaN and infinity.
///
/// x = n pi/2 + r with |r| <= pi/4 (three-part reduction after Cody & Waite 1980; the parts have 33 bits, so that n times each
/// of the first two is exact up to n = 2^20), polynomials in r^2 (Chebyshev interpolants, error 2e-17;
/// tests/math/coefficients.py), and n mod 4 tells which of them is the sine, and with which signs.
WARPBO_HD inline SineCosine sine_cosine(double x) {
  // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
  constexpr double kShifter = 6755399441055744.0, kFarthest = 1e15;
  const double clamped = x < -kFarthest ? -kFarthest : (x > kFarthest ? kFarthest : x);
  const double shifted = clamped * 0.6366197723675814 + kShifter;
  const double n = shifted - kShifter;
  const double r = ((clamped - n * 1.57079632673412561417) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21;
  const double z = r * r;
  double s = 1.59181078709233e-10;
  s = s * z - 2.505113155786021e-08;
  s = s * z + 2.7557316101236044e-06;
  s = s * z - 0.00019841269836756188;
  s = s * z + 0.008333333333330946;
  s = s * z - 0.16666666666666666;
  s = r + r * z * s;
  double c = -1.138261856047027e-11;
  c = c * z + 2.08761460816374e-09;
  c = c * z - 2.7557317270867773e-07;
  c = c * z + 2.480158729876411e-05;
  c = c * z - 0.0013888888888887395;
  c = c * z + 0.041666666666666664;
  c = 1.0 + z * (z * c - 0.5);
  const auto quadrant = std::bit_cast<std::uint64_t>(shifted);
  const bool odd = (quadrant & 1) != 0;
  const double first = odd ? c : s, second = odd ? s : c;
  const std::uint64_t sine_sign = (quadrant & 2) << 62, cosine_sign = ((quadrant + 1) & 2) << 62;
  const double invalid = x - x;  // 0, or NaN for NaN and infinity
  return {std::bit_cast<double>(std::bit_cast<std::uint64_t>(first) ^ sine_sign) + invalid,
          std::bit_cast<double>(std::bit_cast<std::uint64_t>(second) ^ cosine_sign) + invalid};
}

}  // namespace warpbo::math
