/// General products of matrices: out = scale * op(A) op(B) + keep * out.
///
/// Four ways, by shape:
///   short: an inner size of at most 16: one thread per element. Floor: the bytes of the result.
///   dots:  at most 64 elements of any depth: one block per element, its threads along the inner dimension; one element's sum
///          is combined in a fixed order. Floor: the bytes of the operands; for such shapes a library call costs more than the
///          work.
///   tiles: everything below tuning().vendor_product_from: one block per 32 x 32 tile, one launch for the whole batch.
///   large: cuBLAS.
/// A lower triangle on the left: kernels/multiply_lower.cu. Test: tests/backend/multiply_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/reduce.cuh"
#include "kernels/tile_product.cuh"
#include "kernels/triangles.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace cuda {

namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kShortInner = 16;
constexpr std::int64_t kDotElements = 64;
constexpr int kPer = 2;

struct ProductArgs {
  ConstMatrix left, right;
  // Distances in memory: op(A)(i, k) is at i * left_row + k * left_inner, op(B)(k, j) at k * right_inner + j * right_column.
  std::int64_t left_row, left_inner, right_inner, right_column;
  std::int64_t inner;
  double scale, keep;
  Matrix out;

  __device__ void store(const Matrix& to, std::int64_t i, std::int64_t j, double sum) const {
    double& result = to.data[i + j * to.leading];
    result = scale * sum + (keep != 0 ? keep * result : 0.0);
  }
};

__global__ void short_kernel(ProductArgs args) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x, rows = args.out.rows;
  const std::int64_t elements = rows * args.out.columns, member = at / elements, i = at % elements % rows,
                     j = at % elements / rows;
  if (member >= args.out.batch) return;
  const double* left = args.left.member(member).data + i * args.left_row;
  const double* right = args.right.member(member).data + j * args.right_column;
  double sum = 0;
  for (std::int64_t k = 0; k < args.inner; ++k) sum += left[k * args.left_inner] * right[k * args.right_inner];
  args.store(args.out.member(member), i, j, sum);
}

/// Several running sums per thread, so that loads overlap.
__device__ double partial_dot(const double* left, std::int64_t left_step, const double* right, std::int64_t right_step,
                              std::int64_t count) {
  double sum[4] = {};
  std::int64_t k = threadIdx.x;
  for (; k + 3 * kThreads < count; k += 4 * kThreads) {
#pragma unroll
    for (int q = 0; q < 4; ++q) sum[q] += left[(k + q * kThreads) * left_step] * right[(k + q * kThreads) * right_step];
  }
  for (; k < count; k += kThreads) sum[0] += left[k * left_step] * right[k * right_step];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// Blocks count elements member by member.
__global__ void __launch_bounds__(kThreads) dot_kernel(ProductArgs args) {
  const std::int64_t rows = args.out.rows, elements = rows * args.out.columns, member = blockIdx.x / elements;
  const std::int64_t i = blockIdx.x % elements % rows, j = blockIdx.x % elements / rows;
  const double sum =
      block_sum(partial_dot(args.left.member(member).data + i * args.left_row, args.left_inner,
                            args.right.member(member).data + j * args.right_column, args.right_inner, args.inner));
  if (threadIdx.x == 0) args.store(args.out.member(member), i, j, sum);
}

template <Inner kLeft, Inner kRight>
__global__ void __launch_bounds__(kTileThreads) tile_kernel(ProductArgs args) {
  constexpr int kTile = kTileSide * kPer;
  const Matrix out = args.out.member(blockIdx.y);
  const std::int64_t row_tiles = (out.rows + kTile - 1) / kTile;
  const std::int64_t row = blockIdx.x % row_tiles * kTile, column = blockIdx.x / row_tiles * kTile;
  double sum[kPer][kPer];
  clear_tile(sum);
  tile_product<kLeft, kRight>(block_shared<TileBuffers<kPer>>(), TileOperand{args.left.member(blockIdx.y)}, row,
                              TileOperand{args.right.member(blockIdx.y)}, column, 0, args.inner, sum);
#pragma unroll
  for (int b = 0; b < kPer; ++b)
#pragma unroll
    for (int a = 0; a < kPer; ++a) {
      const std::int64_t i = row + tile_row(a), j = column + tile_column(b);
      if (i < out.rows && j < out.columns) args.store(out, i, j, sum[b][a]);
    }
}

void launch_tiles(CudaBackend& backend, const ProductArgs& args, bool transpose_left, bool transpose_right) {
  constexpr std::int64_t kTile = kTileSide * kPer;
  const std::int64_t tiles = ceil_div(args.out.rows, kTile) * ceil_div(args.out.columns, kTile);
  const auto kernel =
      transpose_left ? (transpose_right ? tile_kernel<Inner::down, Inner::across> : tile_kernel<Inner::down, Inner::down>)
                     : (transpose_right ? tile_kernel<Inner::across, Inner::across> : tile_kernel<Inner::across, Inner::down>);
  launch(backend, shape(tiles, kTileThreads, args.out.batch), kernel, args);
}

void multiply_by_vendor(CudaBackend& backend, const ProductArgs& args, bool transpose_left, bool transpose_right) {
  Dense::Product product;
  product.op_a = transpose_left ? Op::transpose : Op::none;
  product.op_b = transpose_right ? Op::transpose : Op::none;
  product.m = args.out.rows;
  product.n = args.out.columns;
  product.k = args.inner;
  product.alpha = args.scale;
  product.a = args.left.data;
  product.lda = args.left.leading;
  product.stride_a = args.left.stride;
  product.b = args.right.data;
  product.ldb = args.right.leading;
  product.stride_b = args.right.stride;
  product.beta = args.keep;
  product.c = args.out.data;
  product.ldc = args.out.leading;
  product.stride_c = args.out.stride;
  product.batch = args.out.batch;
  backend.dense().gemm(product);
}

}  // namespace

void multiply_full(CudaBackend& backend, bool transpose_left, const ConstMatrix& left, bool transpose_right,
                   const ConstMatrix& right, double scale, double keep, const Matrix& out) {
  if (out.empty() || out.batch == 0) return;
  const std::int64_t inner = transpose_left ? left.rows : left.columns, elements = out.rows * out.columns;
  const ProductArgs args{left,
                         right,
                         transpose_left ? left.leading : 1,
                         transpose_left ? 1 : left.leading,
                         transpose_right ? right.leading : 1,
                         transpose_right ? 1 : right.leading,
                         inner,
                         scale,
                         keep,
                         out};
  if (inner <= kShortInner)
    launch(backend, shape(ceil_div(elements * out.batch, kThreads), kThreads), short_kernel, args);
  else if (elements <= kDotElements)
    launch(backend, shape(elements * out.batch, kThreads), dot_kernel, args);
  else if (std::max({out.rows, out.columns, inner}) < backend.tuning().vendor_product_from)
    launch_tiles(backend, args, transpose_left, transpose_right);
  else
    multiply_by_vendor(backend, args, transpose_left, transpose_right);
}

}  // namespace cuda

void CudaBackend::run(const Multiply& product) {
  enter();
  if (product.lower_left)
    return cuda::multiply_lower(*this, product.transpose_left, product.left, product.right, product.scale, product.keep,
                                product.out, nullptr, product.transpose_right);
  cuda::multiply_full(*this, product.transpose_left, product.left, product.transpose_right, product.right, product.scale,
                      product.keep, product.out);
}

}  // namespace warpbo::backend
