/// How hot loops become vector code.
///
/// WARPBO_VECTORIZED marks a function that is compiled for several instruction sets, of which the best that the machine has is
/// chosen when the program starts. The files that use it are compiled with the flags of kVectorFlags in CMakeLists.txt.
/// Sanitizers run before such a choice can be made, so under them there is one version.
#pragma once

#include "backend/cpu/scratch.hpp"

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WARPBO_VECTORIZED [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define WARPBO_VECTORIZED
#endif

namespace warpbo::backend::cpu {

/// Four doubles: one AVX2 register, half of an AVX-512 one. A vector type of eight would be one register there, but a compiler
/// that has to split it keeps it on the stack (gcc 12: a fifth of the speed with AVX2).
typedef double HalfLanes __attribute__((vector_size(kLanes / 2 * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef long long HalfMask __attribute__((vector_size(kLanes / 2 * sizeof(double)), aligned(sizeof(double)), may_alias));

/// Eight doubles on which + - * work element by element.
struct Lanes {
  HalfLanes low, high;

  [[gnu::always_inline]] friend inline Lanes operator+(const Lanes& a, const Lanes& b) {
    return {a.low + b.low, a.high + b.high};
  }
  [[gnu::always_inline]] friend inline Lanes operator-(const Lanes& a, const Lanes& b) {
    return {a.low - b.low, a.high - b.high};
  }
  [[gnu::always_inline]] friend inline Lanes operator*(const Lanes& a, const Lanes& b) {
    return {a.low * b.low, a.high * b.high};
  }
  [[gnu::always_inline]] friend inline Lanes operator-(const Lanes& a, double b) { return {a.low - b, a.high - b}; }
  [[gnu::always_inline]] friend inline Lanes operator-(double a, const Lanes& b) { return {a - b.low, a - b.high}; }
  [[gnu::always_inline]] friend inline Lanes operator*(const Lanes& a, double b) { return {a.low * b, a.high * b}; }
  [[gnu::always_inline]] friend inline Lanes operator*(double a, const Lanes& b) { return b * a; }
  [[gnu::always_inline]] inline Lanes& operator+=(const Lanes& other) { return *this = *this + other; }
  [[gnu::always_inline]] inline Lanes& operator-=(const Lanes& other) { return *this = *this - other; }
  [[gnu::always_inline]] inline Lanes& operator*=(double factor) { return *this = *this * factor; }
};

[[gnu::always_inline]] inline Lanes load(const double* from) {
  return {*reinterpret_cast<const HalfLanes*>(from), *reinterpret_cast<const HalfLanes*>(from + kLanes / 2)};
}
[[gnu::always_inline]] inline void store(double* to, const Lanes& lanes) {
  *reinterpret_cast<HalfLanes*>(to) = lanes.low;
  *reinterpret_cast<HalfLanes*>(to + kLanes / 2) = lanes.high;
}

/// `value` where `a` differs from `b`, 0 elsewhere.
[[gnu::always_inline]] inline Lanes where_different(const Lanes& a, double b, const Lanes& value) {
  const HalfMask low = (a.low != b) & reinterpret_cast<const HalfMask&>(value.low);
  const HalfMask high = (a.high != b) & reinterpret_cast<const HalfMask&>(value.high);
  return {reinterpret_cast<const HalfLanes&>(low), reinterpret_cast<const HalfLanes&>(high)};
}

}  // namespace warpbo::backend::cpu
