/// The standard normal distribution, and forms of it that neither underflow nor cancel in the tails.
///
/// Everything follows from two smooth, positive functions on t >= 0 that fall only like powers of t:
///   scaled_cdf(t)         = Phi(-t) exp(t^2/2)                    (Mills' ratio over sqrt(2 pi); erfcx(t / sqrt 2) / 2)
///   scaled_improvement(t) = (phi(t) - t Phi(-t)) exp(t^2/2)       (what is left of expected improvement once its exponential
///   is taken out)
/// Each is a polynomial in u = (t - 4)/(t + 4) over a power of (t + 4) (tests/math/coefficients.py), so one formula holds from
/// 0 to infinity: no branches, no cancellation, vector code.
#pragma once

#include "math/exponential.hpp"
#include "math/host_device.hpp"

#include <cmath>

namespace warpbo::math {

inline constexpr double kInverseSqrt2Pi = 0.3989422804014327;
inline constexpr double kHalfLog2Pi = 0.9189385332046728;

/// Phi(-t) exp(t^2/2) for t >= 0.
WARPBO_HD inline double scaled_cdf(double t) {
  const double q = 1.0 / (t + 4.0);
  const double u = 1.0 - 8.0 * q;
  double p = -1.1997782031253095e-10;
  p = p * u - 1.6886576966786735e-09;
  p = p * u - 5.873626764987191e-10;
  p = p * u + 1.60673869573294e-08;
  p = p * u + 1.7844927772981415e-08;
  p = p * u - 7.878360342693638e-08;
  p = p * u - 1.597739614223922e-07;
  p = p * u + 2.647337281979868e-07;
  p = p * u + 1.0247851016552774e-06;
  p = p * u - 6.249551077565178e-07;
  p = p * u - 5.921611045923978e-06;
  p = p * u + 7.146021531267462e-07;
  p = p * u + 3.514511190283765e-05;
  p = p * u - 1.907676030719098e-06;
  p = p * u - 0.00023109501736277426;
  p = p * u + 0.00013334420916014778;
  p = p * u + 0.0016308184674099085;
  p = p * u - 0.0034796923566515025;
  p = p * u - 0.007540188967386312;
  p = p * u + 0.06039657489036092;
  p = p * u - 0.1865218579596366;
  p = p * u + 0.3871374007422266;
  p = p * u - 0.6078966419718923;
  p = p * u + 0.7552851304157514;
  return p * q;
}

/// (phi(t) - t Phi(-t)) exp(t^2/2) for t >= 0.
WARPBO_HD inline double scaled_improvement(double t) {
  const double q = 1.0 / (t + 4.0);
  const double u = 1.0 - 8.0 * q;
  double p = -1.9018119687475676e-10;
  p = p * u + 3.713236566444568e-09;
  p = p * u + 6.477265478310443e-09;
  p = p * u - 3.262154923203847e-08;
  p = p * u - 6.781299796263585e-08;
  p = p * u + 1.239886854531505e-07;
  p = p * u + 4.2109330249228494e-07;
  p = p * u - 1.5174637923158012e-07;
  p = p * u - 1.928042534549006e-06;
  p = p * u - 1.2380863648739103e-06;
  p = p * u + 7.290872770523256e-06;
  p = p * u + 1.1991611883875506e-05;
  p = p * u - 2.47845665867515e-05;
  p = p * u - 7.406614507487567e-05;
  p = p * u + 8.628350024815925e-05;
  p = p * u + 0.0004131363561525758;
  p = p * u - 0.00040758324601999825;
  p = p * u - 0.002291866825182723;
  p = p * u + 0.003279953326331559;
  p = p * u + 0.011979793171190842;
  p = p * u - 0.03577357578118628;
  p = p * u - 0.02436297959678205;
  p = p * u + 0.33968381928850927;
  p = p * u - 0.9876737314023478;
  p = p * u + 1.7209777761056135;
  p = p * u - 1.9900680854282136;
  p = p * u + 1.3631817723876436;
  return p * q * q;
}

/// exp(x^2) erfc(x) for x >= 0.
WARPBO_HD inline double erfcx(double x) { return 2.0 * scaled_cdf(1.4142135623730951 * x); }

WARPBO_HD inline double normal_pdf(double z) { return kInverseSqrt2Pi * exponential(-0.5 * z * z); }

WARPBO_HD inline double log_normal_pdf(double z) { return -0.5 * z * z - kHalfLog2Pi; }

WARPBO_HD inline double normal_cdf(double z) {
  const double tail = exponential(-0.5 * z * z) * scaled_cdf(std::fabs(z));
  return z > 0 ? 1.0 - tail : tail;
}

WARPBO_HD inline double log_normal_cdf(double z) {
  if (z > 0) return std::log1p(-exponential(-0.5 * z * z) * scaled_cdf(z));
  return -0.5 * z * z + std::log(scaled_cdf(-z));
}

}  // namespace warpbo::math
