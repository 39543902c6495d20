/// One likelihood with gradient by one block, for up to kSide * kTiles points: the matrix lives in registers.
///
/// The lower triangle of C is cut into kSide x kSide tiles; thread (tx, ty) of the kSide x kSide threads holds element
/// (tx, ty) of every tile, so all indices into its registers are known to the compiler. The block columns are eliminated one
/// after the other. With P the pivot block, B the rest of its columns and L L' = P, one elimination replaces
///     P -> -P^-1,   B -> B P^-1,   D -> D - B P^-1 B'
/// and after all of them the registers hold -C^-1. Done as follows, it is a Cholesky factorization, a forward substitution of
/// the unit matrix and the product of that inverse with itself, all in one (so just as stable):
///     G_i = B_i L'^-1 for rows outside the block,   G_i = -e_i L'^-1 for its own rows;
///     the tiles of the block's rows and columns are set to zero; then every element (i, j) -= G_i G_j'.
/// The columns 1 and y are carried along as two more rows of the matrix: their G are the whitened columns L^-1 [1 y], and they
/// end as C^-1 [1 y]. Without gradient only what lies beyond the pivot block is updated; the bits of the value are the same.
///
/// Points beyond n are padded with a unit diagonal, which changes nothing. The slopes of the covariance, needed again in the
/// gradient, wait in shared memory, each thread's own ones. Three barriers per elimination: pivot columns out, block factored,
/// G written (two buffers take turns).
#pragma once

#include "kernels/likelihood.cuh"
#include "kernels/reduce.cuh"

namespace warpbo::backend::cuda {

template <int kSide, int kTiles>
class SmallMember {
 public:
  static constexpr int kThreads = kSide * kSide;
  static constexpr int kRows = kSide * kTiles;
  static constexpr int kPairs = kTiles * (kTiles + 1) / 2;  // of one thread
  static_assert(kRows <= kThreads && kSide + 2 <= kWarp && kSide % 2 == 0);

  /// The block's shared memory.
  struct Memory {
    double unit_factor[kSide * kSide];  // column k of the unit lower factor of the pivot block at k * kSide
    double panel[2][kSide * (kRows + 1)];
    double root[kSide];         // 1/sqrt(pivot) of the block's rows
    double forward[2][kSide];   // rows 1 and y of the block, solved with the unit factor
    double columns[2][kRows];   // 1 and y, on their way to C^-1 [1 y]
    double whitened[2][kRows];  // L^-1 [1 y]
    double pivots[kRows];
    double alpha[kRows];
    double scale[2 * kSide], level_weight[2 * kSide];
    double partial[2 * kSide][kThreads / kWarp];
    double slopes[kPairs][kThreads];
    std::int32_t bad;  // 1 + the row of the first pivot that is not positive and finite, or 0
  };

  __device__ SmallMember(const LikelihoodArgs& args, std::int64_t member)
      : args_(args),
        member_(member),
        n_(static_cast<int>(args.size_of(member))),
        tx_(static_cast<int>(threadIdx.x) % kSide),
        ty_(static_cast<int>(threadIdx.x) / kSide),
        memory_(*reinterpret_cast<Memory*>(dynamic_shared())) {}

  __device__ void evaluate() {
    const bool gradient = args_.with_gradient();
    fill();
    int info = eliminate(gradient);
    Density density;
    if (info == 0) {
      density = evaluate_density();
      if (!isfinite(density.value)) info = n_ + 1;
    }
    if (info == 0 && gradient && !write_gradient(density)) info = n_ + 1;
    if (threadIdx.x == 0) {
      args_.info[member_] = info;
      args_.value[member_] = info == 0 ? density.value : static_cast<double>(INFINITY);
    }
    if (info != 0 && gradient)
      for (std::int64_t k = threadIdx.x; k <= dimensions(); k += kThreads) gradient_entry(k) = 0;
  }

 private:
  static constexpr int kLeading = kRows + 1;  // odd: neither rows nor columns of the panel collide in the banks
  static constexpr int kChunk = 2 * kSide;    // dimensions at a time; their coordinates fill both panels
  static constexpr int kStaged = 2 * kTiles;  // covariances per thread that fit the panels
  static constexpr int kParked = kPairs < kSide ? kPairs : kSide;
  static_assert(kParked * kWarp <= kSide * kLeading);
  struct alignas(16) Two {
    double first, second;
  };

  [[nodiscard]] static constexpr __device__ int pair(int a, int b) { return a * (a + 1) / 2 + b; }
  [[nodiscard]] __device__ int row(int a) const { return tx_ + kSide * a; }
  [[nodiscard]] __device__ int column(int b) const { return ty_ + kSide * b; }
  // Made anew where they are needed: registers are scarce, the arguments stand in constant memory.
  [[nodiscard]] __device__ CovarianceView covariance() const { return args_.covariance_of(member_); }
  [[nodiscard]] __device__ std::int64_t dimensions() const { return args_.covariance.columns; }
  [[nodiscard]] __device__ double* coordinates() const { return memory_.panel[0]; }
  [[nodiscard]] __device__ double& gradient_entry(std::int64_t k) const {
    return args_.gradient.data[member_ + k * args_.gradient.leading];
  }

  /// Scaled coordinates of dimensions [first, first + kChunk), dimension c at coordinates() + c * kLeading; returns how many
  /// there are. Begins and ends with a barrier.
  __device__ int load_coordinates(std::int64_t first) {
    const int t = static_cast<int>(threadIdx.x);
    const int count = static_cast<int>(dimensions() - first < kChunk ? dimensions() - first : kChunk);
    __syncthreads();
    if (t < count) {
      const double scale = covariance().inverse_lengthscale(first + t);
      memory_.scale[t] = scale;
      memory_.level_weight[t] = covariance().is_categorical(first + t) ? scale * scale : -1.0;
    }
    __syncthreads();
    const ConstMatrix points = args_.points_of(member_);
    for (int at = t; at < count * kRows; at += kThreads) {
      const int c = at / kRows, i = at % kRows;
      coordinates()[c * kLeading + i] = i < n_ ? memory_.scale[c] * points.data[i + (first + c) * points.leading] : 0.0;
    }
    __syncthreads();
    return count;
  }

  /// body(a, b, what dimension c adds to r^2) for this thread's pairs; 0 if the dimension is not of the kind asked for. Two
  /// loops over the dimensions, one for each kind, take fewer registers than one loop with both in it.
  template <bool kCategorical, class Body>
  __device__ void each_term(int c, Body&& body) const {
    const double* at = coordinates() + c * kLeading;
    double rows[kTiles];
#pragma unroll
    for (int a = 0; a < kTiles; ++a) rows[a] = at[row(a)];
    const double weight = memory_.level_weight[c];
#pragma unroll
    for (int b = 0; b < kTiles; ++b) {
      const double own = at[column(b)];
#pragma unroll
      for (int a = b; a < kTiles; ++a) {
        const double delta = rows[a] - own;
        body(a, b, kCategorical ? (delta != 0 ? weight : 0.0) : delta * delta);
      }
    }
  }
  [[nodiscard]] __device__ bool categorical(int c) const { return memory_.level_weight[c] >= 0; }

  /// C into the registers, slopes into shared memory, the columns 1 and y.
  __device__ void fill() {
    const int t = static_cast<int>(threadIdx.x);
    if (t == 0) memory_.bad = 0;
    if (t < kRows) {
      memory_.columns[0][t] = t < n_ ? 1.0 : 0.0;
      memory_.columns[1][t] = t < n_ ? args_.targets_of(member_)[t] : 0.0;
    }
#pragma unroll
    for (int p = 0; p < kPairs; ++p) tile_[p] = 0;
    for (std::int64_t first = 0; first < dimensions(); first += kChunk) {
      const int count = load_coordinates(first);
      const auto add = [&](int a, int b, double term) { tile_[pair(a, b)] += term; };
#pragma unroll 1
      for (int c = 0; c < count; ++c)
        if (!categorical(c)) each_term<false>(c, add);
#pragma unroll 1
      for (int c = 0; c < count; ++c)
        if (categorical(c)) each_term<true>(c, add);
    }
#pragma unroll
    for (int p = 0; p < kPairs; ++p) memory_.slopes[p][t] = tile_[p];
    __syncthreads();
    // One rolled loop evaluates the covariances: unrolled it would be thousands of instructions. The values pass through the
    // panels on their way to the registers.
    double* staged = memory_.panel[0];
#pragma unroll
    for (int begin = 0; begin < kPairs; begin += kStaged) {
      const int end = begin + kStaged < kPairs ? begin + kStaged : kPairs;
#pragma unroll 1
      for (int p = begin; p < end; ++p) {
        const math::CovarianceValue k = math::covariance(covariance().family, memory_.slopes[p][t]);
        staged[(p - begin) * kThreads + t] = k.value;
        memory_.slopes[p][t] = k.slope;
      }
#pragma unroll
      for (int p = begin; p < end; ++p) tile_[p] = staged[(p - begin) * kThreads + t];
    }
    __syncthreads();
    const double noise = covariance().noise();
#pragma unroll
    for (int a = 0; a < kTiles; ++a)
#pragma unroll
      for (int b = 0; b <= a; ++b) {
        const bool diagonal = a == b && tx_ == ty_;
        double& element = tile_[pair(a, b)];
        if (row(a) >= n_ || column(b) >= n_)
          element = diagonal ? 1.0 : 0.0;
        else if (diagonal)
          element += noise * args_.noise_weight(member_, row(a));
      }
  }

  /// All eliminations; returns the info of the factorization.
  __device__ int eliminate(bool gradient) {
    const int steps = (n_ + kSide - 1) / kSide;
    for (int step = 0; step < steps; ++step) {
      double* panel = memory_.panel[step % 2];
      take_pivot_columns(step, panel, gradient);
      __syncthreads();
      if (warp() == 0) {
        // The factorization needs registers; some of this warp's wait in the panel that nobody uses now.
        double* parked = memory_.panel[(step + 1) % 2] + lane();
#pragma unroll
        for (int p = 0; p < kParked; ++p) parked[p * kWarp] = tile_[p];
        factor_pivot_block(step * kSide, panel);
#pragma unroll
        for (int p = 0; p < kParked; ++p) tile_[p] = parked[p * kWarp];
      }
      __syncthreads();
      if (memory_.bad != 0) return memory_.bad;
      solve_rows(step * kSide, panel, gradient);
      __syncthreads();
      update(step, steps, panel, gradient);
      update_columns(step * kSide, panel, gradient);
    }
    __syncthreads();
    return 0;
  }

  /// The pivot block's columns, rows above it included, go to the panel (column k at k * kLeading) and are zero afterwards.
  __device__ void take_pivot_columns(int step, double* panel, bool gradient) {
#pragma unroll
    for (int b = 0; b < kTiles; ++b)
      if (b == step) {
#pragma unroll
        for (int a = b; a < kTiles; ++a) {
          panel[ty_ * kLeading + row(a)] = tile_[pair(a, b)];
          tile_[pair(a, b)] = 0;
        }
      }
    if (!gradient) return;
#pragma unroll
    for (int a = 1; a < kTiles; ++a)
      if (a == step) {
#pragma unroll
        for (int b = 0; b < a; ++b) {
          panel[tx_ * kLeading + column(b)] = tile_[pair(a, b)];
          tile_[pair(a, b)] = 0;
        }
      }
  }

  /// By one warp: P = M diag(pivots) M' with M unit lower. Lane i holds row i of P; two more lanes hold the rows 1 and y, which
  /// the elimination turns into their forward substitution. Every lane computes the next pivot by itself as soon as it can, so
  /// the chain from pivot to pivot is one reciprocal and two multiplications.
  __device__ void factor_pivot_block(int first, const double* panel) {
    const int i = lane();
    double own_row[kSide];
#pragma unroll
    for (int k = 0; k < kSide; ++k)
      own_row[k] = i < kSide ? panel[k * kLeading + first + i] : i < kSide + 2 ? memory_.columns[i - kSide][first + k] : 0.0;
    double pivot = warp_broadcast(own_row[0], 0), own_pivot = 1;
#pragma unroll
    for (int k = 0; k < kSide; ++k) {
      const double inverse = 1 / pivot;
      if (i == k) own_pivot = pivot;
      const double multiplier = own_row[k] * inverse;
      if (i > k && i < kSide) memory_.unit_factor[k * kSide + i] = multiplier;
      if (k + 1 == kSide) break;
      const double below = warp_broadcast(own_row[k], k + 1);
      pivot = warp_broadcast(own_row[k + 1], k + 1) - below * inverse * below;
      own_row[k + 1] -= multiplier * below;
#pragma unroll
      for (int j = k + 2; j < kSide; ++j) own_row[j] -= multiplier * warp_broadcast(own_row[k], j);
    }
    if (i < kSide) {
      memory_.pivots[first + i] = own_pivot;
      memory_.root[i] = rsqrt(own_pivot);
    } else if (i < kSide + 2) {
#pragma unroll
      for (int k = 0; k < kSide; ++k) memory_.forward[i - kSide][k] = own_row[k];
    }
    const bool good = own_pivot > 0 && isfinite(own_pivot);  // 1 in the lanes beyond the block
    const double first_bad = -warp_max(good ? -static_cast<double>(kWarp) : -static_cast<double>(i));
    if (i == 0 && first_bad < kWarp) memory_.bad = first + static_cast<int>(first_bad) + 1;
  }

  /// G in place of the panel, one row per thread, and the whitened columns.
  __device__ void solve_rows(int first, double* panel, bool gradient) {
    const int i = static_cast<int>(threadIdx.x);
    if (i < 2 * kSide) {
      const int r = i / kSide, k = i % kSide;
      memory_.whitened[r][first + k] = memory_.forward[r][k] * memory_.root[k];
    }
    if (i >= kRows || (!gradient && i < first + kSide)) return;
    const bool inside = i >= first && i < first + kSide;
    double g[kSide];
#pragma unroll
    for (int k = 0; k < kSide; ++k) g[k] = inside ? (i - first == k ? -1.0 : 0.0) : panel[k * kLeading + i];
#pragma unroll
    for (int k = 0; k < kSide; ++k) {
#pragma unroll
      for (int j = (k + 1) / 2 * 2; j < kSide; j += 2) {
        const Two m = *reinterpret_cast<const Two*>(&memory_.unit_factor[k * kSide + j]);
        if (j > k) g[j] -= g[k] * m.first;
        g[j + 1] -= g[k] * m.second;
      }
    }
#pragma unroll
    for (int k = 0; k < kSide; ++k) panel[k * kLeading + i] = g[k] * memory_.root[k];
  }

  /// Every element (i, j) -= G_i G_j'.
  __device__ void update(int step, int steps, const double* panel, bool gradient) {
    const int first_tile = gradient ? 0 : step + 1;
#pragma unroll 1
    for (int k = 0; k < kSide; ++k) {
      const double* g = panel + k * kLeading;
      double rows[kTiles];
#pragma unroll
      for (int a = 0; a < kTiles; ++a) rows[a] = g[row(a)];
#pragma unroll
      for (int b = 0; b < kTiles; ++b)
        if (b >= first_tile && b < steps) {
          const double own = g[column(b)];
#pragma unroll
          for (int a = b; a < kTiles; ++a) tile_[pair(a, b)] -= rows[a] * own;
        }
    }
  }

  /// The same for the rows 1 and y; element i of both belongs to thread i.
  __device__ void update_columns(int first, const double* panel, bool gradient) {
    const int i = static_cast<int>(threadIdx.x);
    if (i >= kRows || (!gradient && i < first + kSide)) return;
    const bool inside = i >= first && i < first + kSide;
    double one = inside ? 0.0 : memory_.columns[0][i], y = inside ? 0.0 : memory_.columns[1][i];
#pragma unroll 1
    for (int k = 0; k < kSide; ++k) {
      const double g = panel[k * kLeading + i];
      one -= g * memory_.whitened[0][first + k];
      y -= g * memory_.whitened[1][first + k];
    }
    memory_.columns[0][i] = one;
    memory_.columns[1][i] = y;
  }

  /// Mean, outputscale and value from the whitened columns and the pivots.
  __device__ Density evaluate_density() {
    const int i = static_cast<int>(threadIdx.x);
    const double one = i < n_ ? memory_.whitened[0][i] : 0.0, y = i < n_ ? memory_.whitened[1][i] : 0.0;
    double penalty = 0;
    for (std::int64_t k = i; k <= dimensions(); k += kThreads)
      penalty += prior_penalty(args_.prior_of(member_), covariance(), k);
    double sums[4] = {one * one, one * y, i < n_ ? std::log(memory_.pivots[i]) : 0.0, penalty};
    block_sums(sums);
    Density density;
    density.mean = n_ > 0 ? sums[1] / sums[0] : 0.0;
    const double residual = y - density.mean * one;
    const double quadratic = block_sum(residual * residual);
    const double n = n_, shape = args_.prior_of(member_).shape, rate = args_.prior_of(member_).rate;
    density.outputscale = math::profiled_outputscale(n, quadratic, shape, rate);
    density.value = math::negative_log_density(n, quadratic, sums[2], density.outputscale, shape, rate) + sums[3];
    return density;
  }

  /// All entries, one pass per kChunk dimensions; false if one of them is not finite.
  __device__ bool write_gradient(const Density& density) {
    const int t = static_cast<int>(threadIdx.x);
    if (t < kRows) memory_.alpha[t] = memory_.columns[1][t] - density.mean * memory_.columns[0][t];
    __syncthreads();
    const double trace = block_sum(weigh(1 / density.outputscale));
    const std::int64_t d = dimensions();
    bool finite = true;
    if (t == 0) {
      const double entry = covariance().noise() * trace + prior_slope(args_.prior_of(member_), covariance(), d);
      gradient_entry(d) = entry;
      finite = isfinite(entry);
    }
    for (std::int64_t first = 0; first < d; first += kChunk) {
      const int count = load_coordinates(first);
#pragma unroll 1
      for (int c = 0; c < count; ++c)
        if (!categorical(c)) contract<false>(c);
#pragma unroll 1
      for (int c = 0; c < count; ++c)
        if (categorical(c)) contract<true>(c);
      __syncthreads();
      if (t < count) {
        double sum = 0;
        for (int w = 0; w < kThreads / kWarp; ++w) sum += memory_.partial[t][w];
        // dr^2/d(log lengthscale) = -2 term, and each pair of the lower triangle stands for two.
        const double entry = -4 * sum + prior_slope(args_.prior_of(member_), covariance(), first + t);
        gradient_entry(first + t) = entry;
        finite = finite && isfinite(entry);
      }
    }
    return block_max(finite ? 0.0 : 1.0) == 0;
  }

  /// Each warp's sum of W dk/dr^2 times what dimension c adds to r^2.
  template <bool kCategorical>
  __device__ void contract(int c) {
    double sums[4] = {};  // four chains of additions run side by side
    each_term<kCategorical>(c, [&](int a, int b, double term) { sums[(a + b) % 4] += tile_[pair(a, b)] * term; });
    const double sum = warp_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
    if (lane() == 0) memory_.partial[c][warp()] = sum;
  }

  /// -C^-1 -> W dk/dr^2 below the diagonal, 0 elsewhere; returns this thread's part of the trace of W times the noise weights.
  /// `precision` is 1/outputscale.
  __device__ double weigh(double precision) {
    const int t = static_cast<int>(threadIdx.x);
    double trace = 0;
#pragma unroll
    for (int b = 0; b < kTiles; ++b) {
      const double scaled = memory_.alpha[column(b)] * precision;
#pragma unroll
      for (int a = b; a < kTiles; ++a) {
        double& element = tile_[pair(a, b)];
        const bool inside = row(a)<n_, below = a> b || tx_ > ty_;
        const double weight = 0.5 * (-element - memory_.alpha[row(a)] * scaled);
        if (a == b && inside && tx_ == ty_) trace += weight * args_.noise_weight(member_, row(a));
        element = inside && below ? weight * memory_.slopes[pair(a, b)][t] : 0.0;
      }
    }
    return trace;
  }

  const LikelihoodArgs& args_;
  std::int64_t member_;
  int n_, tx_, ty_;
  Memory& memory_;
  double tile_[kPairs];
};

}  // namespace warpbo::backend::cuda
