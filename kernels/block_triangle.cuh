/// Small lower triangles that one block keeps in shared memory: factoring them, and solving rows with them.
///
/// What takes time is the chain of dependent pivots, not the arithmetic. kStep columns at a time are therefore eliminated by
/// warps in registers, without a barrier: every warp repeats the diagonal block in its lower lanes, bit for bit alike, and
/// carries kStep rows of what lies below in its upper ones. The next pivot is known to all lanes before the rest of its row is:
/// per pivot the chain is one reciprocal square root, one product and one fused multiply-add.
#pragma once

#include "kernels/reduce.cuh"

#include <cuda_runtime.h>

namespace warpbo::backend::cuda {

inline constexpr int kStep = 16;
static_assert(2 * kStep == kWarp);

/// Threads that factor_in_shared needs for n rows at least; a multiple of 32.
constexpr int factor_threads(int n) {
  const int warps = n <= 2 * kStep ? 1 : (n - 1) / kStep;
  return kWarp * (n <= 32 ? (warps > 2 ? warps : 2) : n <= 64 ? (warps > 4 ? warps : 4) : (warps > 8 ? warps : 8));
}

/// One warp's part of kStep columns: lane l < kStep holds row l of the diagonal block, the others rows below it. Returns 0, or
/// 1 + the number of the first pivot that is not positive or not finite: the same in every lane of every warp.
__device__ inline int eliminate_columns(double (&row)[kStep]) {
  int bad = 0;
  double pivot = warp_broadcast(row[0], 0);
#pragma unroll
  for (int k = 0; k < kStep; ++k) {
    if (bad == 0 && !(pivot > 0 && isfinite(pivot))) bad = k + 1;
    const double root = rsqrt(pivot);
    if (k + 1 < kStep) {
      const double below = warp_broadcast(row[k], k + 1) * root, corner = warp_broadcast(row[k + 1], k + 1);
      pivot = corner - below * below;
      row[k] *= root;
      row[k + 1] -= row[k] * below;
    } else {
      row[k] *= root;
    }
#pragma unroll
    for (int j = k + 2; j < kStep; ++j) row[j] -= row[k] * warp_broadcast(row[k], j);
  }
  return bad;
}

/// What lies beyond columns [first, first + kStep) loses their product: a(i, j) -= sum of a(i, k) a(j, k). A thread takes rows
/// tx + side * a and columns ty + side * b of what is left, a and b < 4.
__device__ inline void update_in_shared(double* a, int n, int leading, int first) {
  const int next = first + kStep, side = (n - next + 3) / 4;
  for (int at = static_cast<int>(threadIdx.x); at < side * side; at += static_cast<int>(blockDim.x)) {
    const int i = next + at % side, j = next + at / side;
    int row[4], column[4];
    double sum[4][4] = {};
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      row[q] = i + side * q < n ? i + side * q : n - 1;
      column[q] = j + side * q < n ? j + side * q : n - 1;
    }
#pragma unroll 4
    for (int k = first; k < next; ++k) {
      double left[4], right[4];
#pragma unroll
      for (int q = 0; q < 4; ++q) {
        left[q] = a[row[q] + k * leading];
        right[q] = a[column[q] + k * leading];
      }
#pragma unroll
      for (int c = 0; c < 4; ++c)
#pragma unroll
        for (int r = c; r < 4; ++r) sum[c][r] += left[r] * right[c];
    }
#pragma unroll
    for (int c = 0; c < 4; ++c)
#pragma unroll
      for (int r = c; r < 4; ++r)
        if (i + side * r < n && i + side * r >= j + side * c) a[row[r] + column[c] * leading] -= sum[c][r];
  }
}

/// In place: the lower triangle of `a` (n x n, in shared memory) becomes its Cholesky factor. Returns 0, or 1 + the row of the
/// first bad pivot (what `a` then holds is of no use). Needs factor_threads(n) threads; begins after a barrier and ends with
/// one.
__device__ inline int factor_in_shared(double* a, int n, int leading) {
  const bool upper_lanes = lane() >= kStep;
  for (int first = 0; first < n; first += kStep) {
    const int i = upper_lanes ? first + warp() * kStep + lane() : first + lane();
    double row[kStep];
#pragma unroll
    for (int k = 0; k < kStep; ++k) {
      // Rows beyond the end of the diagonal block are those of a unit matrix.
      row[k] = i == first + k ? 1.0 : 0.0;
      if (i < n && i >= first + k) row[k] = a[i + (first + k) * leading];
    }
    __syncthreads();
    const int bad = eliminate_columns(row);
    if (i < n && (upper_lanes || warp() == 0)) {
#pragma unroll
      for (int k = 0; k < kStep; ++k)
        if (i >= first + k) a[i + (first + k) * leading] = row[k];
    }
    __syncthreads();
    if (bad != 0) return first + bad;
    if (first + kStep < n) update_in_shared(a, n, leading, first);
    __syncthreads();
  }
  return 0;
}

// ------------------------------------------------------------------------------------------------- rows times L'^-1

inline constexpr int kPanel = 64;      // rows and columns of the triangle
inline constexpr int kPanelRows = 32;  // rows that a block solves
inline constexpr int kPanelThreads = 256;

/// 48 KiB, the most that needs no permission.
struct PanelMemory {
  double factor[kPanel * kPanel];  ///< L by columns with the reciprocals of its diagonal in their places
  double rows[kPanel * kPanelRows];
};

/// Where element k of row r is kept: rotated, so that neither rows nor columns collide in the banks.
__device__ inline int panel_at(int r, int k) { return k * kPanelRows + (r + k) % kPanelRows; }

/// L from memory, filled up to kPanel with a unit matrix. No barrier.
__device__ inline void load_panel_factor(PanelMemory& memory, const double* l, std::int64_t leading, int width) {
#pragma unroll 8
  for (int at = static_cast<int>(threadIdx.x); at < kPanel * kPanel; at += kPanelThreads) {
    const int i = at % kPanel, k = at / kPanel;
    double value = i == k ? 1.0 : 0.0;
    if (i < width && k <= i) value = l[i + k * leading];
    memory.factor[at] = i == k ? 1 / value : value;
  }
}

/// x L' = b for every row b in memory.rows, in place. kPanelThreads threads; begins and ends with a barrier.
__device__ inline void solve_panel_rows(PanelMemory& memory) {
  const int r = lane();
  for (int first = 0; first < kPanel; first += kStep) {
    __syncthreads();
    double x[kStep];
    if (warp() == 0) {
      const double* l = memory.factor + first + first * kPanel;
#pragma unroll
      for (int k = 0; k < kStep; ++k) x[k] = memory.rows[panel_at(r, first + k)];
#pragma unroll
      for (int k = 0; k < kStep; ++k) {
        x[k] *= l[k + k * kPanel];
#pragma unroll
        for (int j = k + 1; j < kStep; ++j) x[j] -= x[k] * l[j + k * kPanel];
      }
#pragma unroll
      for (int k = 0; k < kStep; ++k) memory.rows[panel_at(r, first + k)] = x[k];
    }
    __syncthreads();
    if (first + kStep == kPanel) return;
#pragma unroll
    for (int k = 0; k < kStep; ++k) x[k] = memory.rows[panel_at(r, first + k)];
    for (int j = first + kStep + warp(); j < kPanel; j += kPanelThreads / kWarp) {
      double sum[4] = {};
#pragma unroll
      for (int k = 0; k < kStep; ++k) sum[k % 4] += x[k] * memory.factor[j + (first + k) * kPanel];
      memory.rows[panel_at(r, j)] -= (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
  }
}

}  // namespace warpbo::backend::cuda
