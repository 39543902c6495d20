/// Products with lower triangles: out = scale * op(L) op(B) + keep * out.
///
/// Few columns (at most 64; the posterior of a batch of starts, with L = T = C^-1's factor): strips. A block owns kStrip rows
/// of the result over their whole depth, so there is nothing to combine between blocks: one launch, ceil(n / 8) blocks, each
/// number of the triangle read once. The lanes of a warp run along the inner dimension, each with 8 x kColumns sums; the warps
/// of a block share the columns among them, kColumns each, and what warps are left over the depth. At the end the sums of a
/// warp are added by an exchange that leaves each lane with its share, those of several warps in shared memory, always in the
/// same order. For op(L) = L the strip's rows lie across memory: they are first copied to shared memory, kPiece columns at a
/// time. Longest strips begin first. Floor: 4 n^2 bytes, from the L2 cache where n <= 3500. Estimate for n = 1000, m = 20 on an
/// H100: 125 blocks, 0.7 us loads, 2.2 us arithmetic of the longest strip.
///
/// Few rows (at most 16) of many columns: one thread per element.
///
/// Many of both: cuBLAS on full blocks. Diagonal blocks are copied with zeros above; what lies below them is taken in squares
/// of doubling size, one batched call per size: 3 + 2 log2(n / 256) calls. Floor: n^2 m flops at the speed of gemm.
///
/// Test: tests/backend/multiply_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/reduce.cuh"
#include "kernels/triangles.hpp"

#include <algorithm>

namespace warpbo::backend::cuda {

namespace {

constexpr int kStrip = 8;
constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kPiece = 1024;
constexpr int kMostColumns = 64;  // per warp

struct StripArgs {
  ConstMatrix lower;
  ConstMatrix right;
  double scale, keep;
  Matrix out;
  const std::int32_t* active_columns;  // null: all
};

/// Sums of every warp, where the depth is shared among warps.
struct StripSums {
  double value[kWarps][kStrip * kMostColumns / kWarps];
};

/// Rows [row, row + kStrip) of L, columns [first, last), to shared memory; zeros above the diagonal and below the end. The odd
/// leading dimension of kStrip rows side by side: two numbers more than a multiple of 16.
__device__ void load_strip(double* strip, int leading, const ConstMatrix& lower, std::int64_t row, std::int64_t first,
                           std::int64_t last) {
  const int count = static_cast<int>(last - first) * kStrip;
#pragma unroll 8
  for (int at = static_cast<int>(threadIdx.x); at < count; at += kThreads) {
    const int r = at % kStrip, k = at / kStrip;
    const std::int64_t i = row + r, j = first + k;
    strip[r * leading + k] = i < lower.rows && i >= j ? lower.data[i + j * lower.leading] : 0.0;
  }
}

template <bool kTransposed, int kColumns>
__global__ void __launch_bounds__(kThreads) strip_kernel(StripArgs args, int leading) {
  const ConstMatrix lower = args.lower.member(blockIdx.y), right = args.right.member(blockIdx.y);
  const Matrix out = args.out.member(blockIdx.y);
  const std::int64_t n = lower.rows;
  int columns = static_cast<int>(out.columns);
  if (args.active_columns != nullptr && *args.active_columns < columns) columns = *args.active_columns;
  if (columns <= 0) return;
  const std::int64_t strip = kTransposed ? blockIdx.x : gridDim.x - 1 - blockIdx.x, row = strip * kStrip;
  const std::int64_t begin = kTransposed ? row : 0, end = kTransposed || row + kStrip > n ? n : row + kStrip;
  const int groups = (columns + kColumns - 1) / kColumns, parts = kWarps / groups;
  const int group = warp() % groups, part = warp() / groups, column = group * kColumns;
  double sum[kStrip * kColumns] = {};
  double* shared = dynamic_shared();
  for (std::int64_t first = begin; first < end; first += kPiece) {
    const std::int64_t last = end - first < kPiece ? end : first + kPiece;
    if (!kTransposed) {
      load_strip(shared, leading, lower, row, first, last);
      __syncthreads();
    }
    if (part < parts) {
      for (std::int64_t k = first + kWarp * part + lane(); k < last; k += kWarp * parts) {
        double left[kStrip], values[kColumns];
        const double* from = right.data + k + column * right.leading;
#pragma unroll
        for (int c = 0; c < kColumns; ++c) values[c] = column + c < columns ? from[c * right.leading] : 0.0;
#pragma unroll
        for (int r = 0; r < kStrip; ++r) {
          if (kTransposed)
            left[r] = row + r <= k && row + r < n ? lower.data[k + (row + r) * lower.leading] : 0.0;
          else
            left[r] = shared[r * leading + (k - first)];
        }
#pragma unroll
        for (int r = 0; r < kStrip; ++r)
#pragma unroll
          for (int c = 0; c < kColumns; ++c) sum[c * kStrip + r] += left[r] * values[c];
      }
    }
    if (!kTransposed) __syncthreads();
  }
  StripSums& sums = block_shared<StripSums>();
  warp_share_sums(sum);
  constexpr int kCount = kStrip * kColumns, kShare = kCount > kWarp ? kCount / kWarp : 1;
#pragma unroll
  for (int q = 0; q < kShare; ++q)
    if (lane() % (kWarp * kShare / kCount) == 0) sums.value[warp()][lane() * kCount / kWarp + q] = sum[q];
  __syncthreads();
  for (int at = static_cast<int>(threadIdx.x); at < kStrip * columns; at += kThreads) {
    const int r = at % kStrip, j = at / kStrip;
    if (row + r >= n) continue;
    double total = 0;
    for (int p = 0; p < parts; ++p) total += sums.value[j / kColumns + p * groups][r + j % kColumns * kStrip];
    double& result = out.data[row + r + j * out.leading];
    result = args.scale * total + (args.keep != 0 ? args.keep * result : 0.0);
  }
}

template <bool kTransposed, int kColumns>
void launch_strips(CudaBackend& backend, const StripArgs& args) {
  const auto kernel = strip_kernel<kTransposed, kColumns>;
  const std::int64_t n = args.lower.rows, piece = std::min<std::int64_t>(kPiece, ceil_div(n, 16) * 16);
  const int leading = static_cast<int>(piece) + 2;
  const std::size_t bytes = kTransposed ? 0 : static_cast<std::size_t>(leading) * kStrip * sizeof(double);
  allow_shared(backend, kernel, bytes);
  launch(backend, shape(ceil_div(n, kStrip), kThreads, args.out.batch, bytes), kernel, args, leading);
}

template <bool kTransposed>
void launch_strips(CudaBackend& backend, const StripArgs& args) {
  const std::int64_t m = args.out.columns;
  if (m == 1)
    launch_strips<kTransposed, 1>(backend, args);
  else if (m == 2)
    launch_strips<kTransposed, 2>(backend, args);
  else if (m <= 16)
    launch_strips<kTransposed, 4>(backend, args);
  else
    launch_strips<kTransposed, 8>(backend, args);
}

/// out = in', one thread per element.
__global__ void transpose_kernel(ConstMatrix in, Matrix out) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= in.rows * in.columns) return;
  const std::int64_t i = at % out.rows, j = at / out.rows;
  out.member(blockIdx.y).data[i + j * out.leading] = in.member(blockIdx.y).data[j + i * in.leading];
}

void multiply_strips(CudaBackend& backend, bool transposed, StripArgs args, bool right_transposed) {
  Arena::Scope scope(backend.workspace());
  if (right_transposed) {
    // Every block reads all of it: once scattered is enough.
    const Matrix columns = backend.workspace().matrix(args.right.columns, args.right.rows, args.out.batch);
    launch(backend, shape(ceil_div(columns.rows * columns.columns, kThreads), kThreads, args.out.batch), transpose_kernel,
           args.right, columns);
    args.right = columns;
  }
  transposed ? launch_strips<true>(backend, args) : launch_strips<false>(backend, args);
}

// ------------------------------------------------------------------------------------------------------------- few rows

constexpr std::int64_t kFewRows = 16;

__global__ void few_rows_kernel(StripArgs args, bool transposed, bool right_transposed) {
  const ConstMatrix lower = args.lower.member(blockIdx.y), right = args.right.member(blockIdx.y);
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= args.out.rows * args.out.columns) return;
  const std::int64_t i = at % args.out.rows, j = at / args.out.rows;
  const double* column = right.data + (right_transposed ? j : j * right.leading);
  const std::int64_t step = right_transposed ? right.leading : 1;
  double sum = 0;
  if (transposed)
    for (std::int64_t k = i; k < lower.rows; ++k) sum += lower.data[k + i * lower.leading] * column[k * step];
  else
    for (std::int64_t k = 0; k <= i; ++k) sum += lower.data[i + k * lower.leading] * column[k * step];
  double& result = args.out.member(blockIdx.y).data[i + j * args.out.leading];
  result = args.scale * sum + (args.keep != 0 ? args.keep * result : 0.0);
}

// -------------------------------------------------------------------------------------------------------- many columns

/// Diagonal blocks of `size` rows side by side in `out`, zeros above the diagonal; one grid row per block.
__global__ void copy_diagonal_kernel(ConstMatrix lower, std::int64_t size, Matrix out) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.y) * size;
  for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; at < size * size;
       at += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t i = at % size, j = at / size;
    const bool inside = i >= j && first + i < lower.rows;
    out.data[i + (first + j) * out.leading] = inside ? lower.data[first + i + (first + j) * lower.leading] : 0.0;
  }
}

/// One member, by cuBLAS.
class BlockProduct {
 public:
  BlockProduct(CudaBackend& backend, bool transposed, const StripArgs& args, bool right_transposed)
      : backend_(backend),
        transposed_(transposed),
        right_transposed_(right_transposed),
        args_(args),
        n_(args.lower.rows),
        size_(std::max<std::int64_t>(backend.tuning().vendor_product_from / 2, 1)) {}

  void run() {
    Arena::Scope scope(backend_.workspace());
    const std::int64_t blocks = ceil_div(n_, size_), full = n_ / size_;
    const Matrix diagonal = backend_.workspace().matrix(size_, size_ * blocks);
    launch(backend_, shape(std::min<std::int64_t>(ceil_div(size_ * size_, kThreads), 256), kThreads, blocks),
           copy_diagonal_kernel, args_.lower, size_, diagonal);
    multiply(diagonal.data, size_, size_ * size_, size_, size_, 0, 0, size_, args_.keep, full);
    const std::int64_t rest = full * size_;
    multiply(diagonal.data + rest * size_, size_, 0, n_ - rest, n_ - rest, rest, rest, 0, args_.keep, 1);
    for (std::int64_t s = size_; s < n_; s *= 2) {
      // Squares of s rows below squares of s columns; the last one may have fewer rows.
      const std::int64_t pairs = n_ / (2 * s), last = 2 * s * pairs, rows = n_ - last - s;
      below(0, s, s, pairs);
      if (rows > 0) below(last, s, rows, 1);
    }
  }

 private:
  /// out += scale op(L_below) op(B), L_below the `rows` x s block under the diagonal block that begins at `first`.
  void below(std::int64_t first, std::int64_t s, std::int64_t rows, std::int64_t pairs) {
    const double* block = args_.lower.data + first + s + first * args_.lower.leading;
    const std::int64_t stride = 2 * s * (args_.lower.leading + 1), bottom = first + s;
    if (transposed_)
      multiply(block, args_.lower.leading, stride, s, rows, first, bottom, 2 * s, 1, pairs);
    else
      multiply(block, args_.lower.leading, stride, rows, s, bottom, first, 2 * s, 1, pairs);
  }

  /// `count` blocks, the rows of the result and of op(B) `step` apart.
  void multiply(const double* block, std::int64_t leading, std::int64_t stride, std::int64_t rows, std::int64_t inner,
                std::int64_t out_row, std::int64_t right_row, std::int64_t step, double keep, std::int64_t count) {
    if (count == 0 || rows == 0) return;
    const std::int64_t right_step = right_transposed_ ? args_.right.leading : 1;
    Dense::Product product;
    product.op_a = transposed_ ? Op::transpose : Op::none;
    product.op_b = right_transposed_ ? Op::transpose : Op::none;
    product.m = rows;
    product.n = args_.out.columns;
    product.k = inner;
    product.alpha = args_.scale;
    product.a = block;
    product.lda = leading;
    product.stride_a = stride;
    product.b = args_.right.data + right_row * right_step;
    product.ldb = args_.right.leading;
    product.stride_b = step * right_step;
    product.beta = keep;
    product.c = args_.out.data + out_row;
    product.ldc = args_.out.leading;
    product.stride_c = step;
    product.batch = count;
    backend_.dense().gemm(product);
  }

  CudaBackend& backend_;
  bool transposed_, right_transposed_;
  const StripArgs& args_;
  std::int64_t n_;
  std::int64_t size_;  // of the diagonal blocks
};

}  // namespace

void multiply_lower(CudaBackend& backend, bool transposed, const ConstMatrix& lower, const ConstMatrix& right, double scale,
                    double keep, const Matrix& out, const std::int32_t* active_columns, bool right_transposed) {
  if (out.empty() || out.batch == 0) return;
  const StripArgs args{lower, right, scale, keep, out, active_columns};
  if (out.columns <= std::min<std::int64_t>(kMostColumns, backend.tuning().vendor_product_from))
    return multiply_strips(backend, transposed, args, right_transposed);
  if (out.rows <= kFewRows)
    return launch(backend, shape(ceil_div(out.rows * out.columns, kThreads), kThreads, out.batch), few_rows_kernel, args,
                  transposed, right_transposed);
  for (std::int64_t p = 0; p < out.batch; ++p) {
    StripArgs own = args;
    own.lower = lower.member(p);
    own.right = right.member(p);
    own.out = out.member(p);
    BlockProduct(backend, transposed, own, right_transposed).run();
  }
}

}  // namespace warpbo::backend::cuda
