/// The functions that a kernel may call besides the standard library's.
///
/// Barriers and warp operations know the place that called them: all threads that meet must come from the same one, and a
/// report of those that never meet can name it.
#pragma once

#include "emulated/qualifiers.h"
#include "emulated/vector_types.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <source_location>

namespace warpbo::emulation {

using Where = std::source_location;

/// Waits for all threads of the block; how many of them voted true.
int block_barrier(bool vote, const Where& where);

/// What a lane takes from a warp operation.
struct Exchanged {
  std::uint64_t value;  ///< deposited by the lane asked for; all bits set if that lane took no part
  unsigned ballot;      ///< which of the lanes named deposited something other than 0
};
/// Waits for the lanes named in `mask`; each deposits `value` and asks for what lane `source` deposited.
Exchanged warp_exchange(unsigned mask, std::uint64_t value, int source, const Where& where);

/// The calling thread's lane.
int lane_number();

/// Lets other threads of the block run.
void give_way(const Where& where);

template <class T>
T shuffle(unsigned mask, T value, int source, const Where& where) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_exchange(mask, bits, source, where).value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace warpbo::emulation

// ------------------------------------------------------------------------------------------------------------- barriers

inline void __syncthreads(const std::source_location& where = std::source_location::current()) {
  warpbo::emulation::block_barrier(false, where);
}
inline int __syncthreads_count(int predicate, const std::source_location& where = std::source_location::current()) {
  return warpbo::emulation::block_barrier(predicate != 0, where);
}
inline int __syncthreads_or(int predicate, const std::source_location& where = std::source_location::current()) {
  return warpbo::emulation::block_barrier(predicate != 0, where) != 0;
}
inline int __syncthreads_and(int predicate, const std::source_location& where = std::source_location::current()) {
  return warpbo::emulation::block_barrier(predicate == 0, where) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, const std::source_location& where = std::source_location::current()) {
  warpbo::emulation::warp_exchange(mask, 0, warpbo::emulation::lane_number(), where);
}

// ------------------------------------------------------------------------------------------------------ warp operations

// The source lanes are those of the CUDA Programming Guide, "Warp Shuffle Functions": a group of `width` lanes exchanges among
// itself, and a lane that would read beyond its group keeps its own value.

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              const std::source_location& where = std::source_location::current()) {
  const int group = warpbo::emulation::lane_number() & ~(width - 1);
  return warpbo::emulation::shuffle(mask, value, group + (source & (width - 1)), where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 const std::source_location& where = std::source_location::current()) {
  const int lane = warpbo::emulation::lane_number(), group = lane & ~(width - 1), source = lane - static_cast<int>(delta);
  return warpbo::emulation::shuffle(mask, value, source < group ? lane : source, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   const std::source_location& where = std::source_location::current()) {
  const int lane = warpbo::emulation::lane_number(), group = lane & ~(width - 1), source = lane + static_cast<int>(delta);
  return warpbo::emulation::shuffle(mask, value, source >= group + width ? lane : source, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  const std::source_location& where = std::source_location::current()) {
  const int lane = warpbo::emulation::lane_number(), group = lane & ~(width - 1), source = lane ^ lane_mask;
  return warpbo::emulation::shuffle(mask, value, source >= group + width ? lane : source, where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              const std::source_location& where = std::source_location::current()) {
  return warpbo::emulation::warp_exchange(mask, predicate != 0, warpbo::emulation::lane_number(), where).ballot;
}
inline int __any_sync(unsigned mask, int predicate, const std::source_location& where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, const std::source_location& where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}

// -------------------------------------------------------------------------------------------------------------- memory

template <class T>
T __ldg(const T* from) {
  return *from;
}
// Blocks run one after another, and threads of a block change places only where they wait: every store is seen at once.
inline void __threadfence() {}
inline void __threadfence_block() {}

inline int atomicAdd(int* at, int value) { return std::atomic_ref(*at).fetch_add(value); }
inline unsigned atomicAdd(unsigned* at, unsigned value) { return std::atomic_ref(*at).fetch_add(value); }
inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long value) {
  return std::atomic_ref(*at).fetch_add(value);
}

template <class T>
requires std::is_integral_v<T> T atomicMax(T* at, std::type_identity_t<T> value) {
  std::atomic_ref<T> shared(*at);
  T old = shared.load();
  while (old < value && !shared.compare_exchange_weak(old, value)) {
  }
  return old;
}
template <class T>
requires std::is_integral_v<T> T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  std::atomic_ref<T>(*at).compare_exchange_strong(expected, value);
  return expected;
}

// Waiting for another thread of the same block ends; waiting for another block is reported, since blocks run one by one.
inline void __nanosleep(unsigned, const std::source_location& where = std::source_location::current()) {
  warpbo::emulation::give_way(where);
}

// ---------------------------------------------------------------------------------------------------------- arithmetic

inline int __popc(unsigned bits) { return std::popcount(bits); }
inline int __popcll(unsigned long long bits) { return std::popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __clz(int bits) { return std::countl_zero(static_cast<unsigned>(bits)); }
inline int __clzll(long long bits) { return std::countl_zero(static_cast<unsigned long long>(bits)); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>((std::uint64_t{a} * b) >> 32); }
unsigned __brev(unsigned bits);

inline double rsqrt(double x) { return 1 / std::sqrt(x); }
void sincospi(double x, double* sine, double* cosine);

inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
// Not inline, so that the compiler cannot make a product and a sum into one fused operation.
double __dmul_rn(double a, double b);
double __dadd_rn(double a, double b);
int __double2int_rn(double x);

inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long bits) { return std::bit_cast<double>(bits); }
