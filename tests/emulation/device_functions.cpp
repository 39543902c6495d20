#include <cuda_runtime.h>

#include <cmath>
#include <limits>
#include <numbers>

unsigned __brev(unsigned bits) {
  bits = (bits & 0x55555555u) << 1 | (bits >> 1 & 0x55555555u);
  bits = (bits & 0x33333333u) << 2 | (bits >> 2 & 0x33333333u);
  bits = (bits & 0x0f0f0f0fu) << 4 | (bits >> 4 & 0x0f0f0f0fu);
  return __builtin_bswap32(bits);
}

/// x = n/2 + r with |r| <= 1/4: exact, so that multiples of 1/2 give exact zeros and ones.
void sincospi(double x, double* sine, double* cosine) {
  int quarter = 0;
  const double angle = std::numbers::pi * std::remquo(x, 0.5, &quarter);
  const double s = std::sin(angle), c = std::cos(angle);
  *sine = (quarter & 1) != 0 ? c : s;
  *cosine = (quarter & 1) != 0 ? s : c;
  if ((quarter & 2) != 0) *sine = -*sine;
  if (((quarter + 1) & 2) != 0) *cosine = -*cosine;
}

double __dmul_rn(double a, double b) { return a * b; }
double __dadd_rn(double a, double b) { return a + b; }

int __double2int_rn(double x) {
  if (std::isnan(x)) return 0;
  constexpr double kLeast = std::numeric_limits<int>::min(), kLargest = std::numeric_limits<int>::max();
  const double rounded = std::nearbyint(x);
  return static_cast<int>(rounded < kLeast ? kLeast : rounded > kLargest ? kLargest : rounded);
}
