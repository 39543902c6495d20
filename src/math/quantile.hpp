/// Logarithm and standard normal quantile that give the same bits on every machine.
///
/// Only operations that IEEE 754 rounds exactly are used (+, *, /, fma, sqrt), and every product that meets a sum is written as
/// an fma, so that no compiler may contract differently: the CPU and a GPU agree bit for bit, which their own log() functions
/// do not.
#pragma once

#include "math/host_device.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace warpbo::math {

/// Natural logarithm of a positive, normal number; within 2 units in the last place.
/// x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), by its Taylor series (s^2 < 0.0295).
WARPBO_HD inline double reproducible_log(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  std::int64_t exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
  double m;
  std::memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  double series = 2.0 / 25;
  for (int k = 23; k >= 3; k -= 2) series = std::fma(series, z, 2.0 / k);
  const double e = static_cast<double>(exponent);
  // log 2 in two parts, the first with enough trailing zeros that e * part is exact.
  const double log2_high = 6.93147180369123816490e-01, log2_low = 1.90821492927058770002e-10;
  const double small = std::fma(series * z, s, std::fma(e, log2_low, 0.0));
  return std::fma(e, log2_high, std::fma(2.0, s, small));
}

/// The x with Phi(x) = p for 0 < p < 1: Wichura's algorithm AS 241 (Applied Statistics 37, 477-484, 1988), relative error about
/// 1e-16.
WARPBO_HD inline double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = std::fma(-q, q, 0.180625);
    const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
                        4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
    const double b[] = {1.0,
                        4.2313330701600911252e+1,
                        6.8718700749205790830e+2,
                        5.3941960214247511077e+3,
                        2.1213794301586595867e+4,
                        3.9307895800092710610e+4,
                        2.8729085735721942674e+4,
                        5.2264952788528545610e+3};
    double numerator = a[7], denominator = b[7];
    for (int k = 6; k >= 0; --k) {
      numerator = std::fma(numerator, r, a[k]);
      denominator = std::fma(denominator, r, b[k]);
    }
    return q * (numerator / denominator);
  }
  const double r = std::sqrt(-reproducible_log(q < 0 ? p : 1 - p));
  double numerator, denominator;
  if (r <= 5) {
    const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                        3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                        2.27238449892691845833e-2, 7.74545014278341407640e-4};
    const double d[] = {1.0,
                        2.05319162663775882187e0,
                        1.67638483018380384940e0,
                        6.89767334985100004550e-1,
                        1.48103976427480074590e-1,
                        1.51986665636164571966e-2,
                        5.47593808499534494600e-4,
                        1.05075007164441684324e-9};
    const double t = r - 1.6;
    numerator = c[7];
    denominator = d[7];
    for (int k = 6; k >= 0; --k) {
      numerator = std::fma(numerator, t, c[k]);
      denominator = std::fma(denominator, t, d[k]);
    }
  } else {
    const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                        2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                        2.71155556874348757815e-5, 2.01033439929228813265e-7};
    const double f[] = {1.0,
                        5.99832206555887937690e-1,
                        1.36929880922735805310e-1,
                        1.48753612908506148525e-2,
                        7.86869131145613259100e-4,
                        1.84631831751005468180e-5,
                        1.42151175831644588870e-7,
                        2.04426310338993978564e-15};
    const double t = r - 5;
    numerator = e[7];
    denominator = f[7];
    for (int k = 6; k >= 0; --k) {
      numerator = std::fma(numerator, t, e[k]);
      denominator = std::fma(denominator, t, f[k]);
    }
  }
  const double x = numerator / denominator;
  return q < 0 ? -x : x;
}

}  // namespace warpbo::math
