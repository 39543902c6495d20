/// Small vectors, and the variables that tell a kernel's thread where it stands.
#pragma once

#include "emulated/qualifiers.h"

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
};

struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) double2 {
  double x, y;
};
struct alignas(16) double4 {
  double x, y, z, w;
};

constexpr uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
constexpr int2 make_int2(int x, int y) { return {x, y}; }
constexpr double2 make_double2(double x, double y) { return {x, y}; }
constexpr double4 make_double4(double x, double y, double z, double w) { return {x, y, z, w}; }

// The scheduler sets them whenever it gives a thread its turn.
extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;
inline constexpr int warpSize = 32;
