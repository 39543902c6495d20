/// A branch-free exponential that compilers turn into vector code.
#pragma once

#include "math/host_device.hpp"

#include <bit>
#include <cstdint>

namespace warpbo::math {

/// exp(x) to within 2 units in the last place for -707 <= x <= 709; 0 below that range (where exp(x) < 1e-307), infinity above;
/// NaN for NaN.
///
/// x = n ln 2 + r with |r| <= ln(2)/2 (two-part reduction after Cody & Waite 1980), exp(r) by a polynomial of degree 11
/// (Chebyshev interpolant, relative error 2e-17; tests/math/coefficients.py), 2^n by adding n to the exponent bits.
WARPBO_HD inline double exponential(double x) {
  constexpr double kLow = -707.0, kHigh = 709.0;
  // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
  constexpr double kShifter = 6755399441055744.0;
  const double clamped = x < kLow ? kLow : (x > kHigh ? kHigh : x);
  const double shifted = clamped * 1.4426950408889634 + kShifter;
  const double n = shifted - kShifter;
  const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double p = 2.5105217695684516e-08;
  p = p * r + 2.762008948195459e-07;
  p = p * r + 2.755725539833871e-06;
  p = p * r + 2.4801521293463862e-05;
  p = p * r + 0.00019841269874822307;
  p = p * r + 0.0013888888917215586;
  p = p * r + 0.008333333333326134;
  p = p * r + 0.04166666666662412;
  p = p * r + 0.1666666666666667;
  p = p * r + 0.5000000000000001;
  p = 1.0 + (r + r * r * p);
  const auto power = std::bit_cast<std::uint64_t>(shifted) << 52;
  const double result = std::bit_cast<double>(std::bit_cast<std::uint64_t>(p) + power);
  const double above = x > kHigh ? std::bit_cast<double>(std::uint64_t{0x7ff0000000000000}) : result;
  const double below = x < kLow ? 0.0 : above;
  return x != x ? x : below;
}

}  // namespace warpbo::math
