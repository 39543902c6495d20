/// Inverses of a batch of lower triangles, T = L^-1.
///
/// The diagonal blocks of 64 rows are inverted in one launch: a row of L'^-1 is the solution x of x L' = e_i. Then blocks of
/// s = 64, 128, ... rows are joined in pairs,
///     T = ( T11     )     T21 = -T22 (L21 T11),
///         ( T21 T22 )
/// two launches for all pairs and members of a level, one 32 x 32 tile per block; the inner dimension stops where a triangle
/// does. From s = 2 * tuning().vendor_product_from on the two products are those of kernels/multiply_lower.cu, which leaves
/// them to cuBLAS. 1 + 2 log2(n / 64) launches at n <= 1024. With existing rows, the last pair is (existing, new): for few new
/// rows its first product reads the existing inverse once and is what the operation takes: 4 n^2 bytes. Floor otherwise: n^3 /
/// 3 flops, on the vector units below the change to cuBLAS. Estimate for n = 1000 on an H100: 70 us, 30 of them for the largest
/// pair. Test: tests/backend/cholesky_test.cpp.
#include "kernels/block_triangle.cuh"
#include "kernels/launch.cuh"
#include "kernels/tile_product.cuh"
#include "kernels/triangles.hpp"

#include <algorithm>

namespace warpbo::backend::cuda {

namespace {

constexpr int kPer = 2;
constexpr int kTile = kTileSide * kPer;

struct InvertArgs {
  ConstMatrix factor;
  std::int64_t existing;  // rows of `out` that are right already
  Matrix out;
  const std::int32_t* active;  // null: all members

  [[nodiscard]] __device__ bool idle() const { return active != nullptr && static_cast<std::int64_t>(blockIdx.y) >= *active; }
};

/// Diagonal blocks; two blocks of threads take one of them, half of its columns each.
__global__ void __launch_bounds__(kPanelThreads) invert_diagonal_kernel(InvertArgs args) {
  if (args.idle()) return;
  PanelMemory& memory = block_shared<PanelMemory>();
  const ConstMatrix factor = args.factor.member(blockIdx.y);
  const Matrix out = args.out.member(blockIdx.y);
  const std::int64_t first = args.existing + blockIdx.x / 2 * kPanel;
  const int width = static_cast<int>(factor.rows - first < kPanel ? factor.rows - first : kPanel);
  const int column = static_cast<int>(blockIdx.x) % 2 * kPanelRows;
  load_panel_factor(memory, factor.data + first + first * factor.leading, factor.leading, width);
  for (int at = static_cast<int>(threadIdx.x); at < kPanel * kPanelRows; at += kPanelThreads) {
    const int r = at % kPanelRows, k = at / kPanelRows;
    memory.rows[panel_at(r, k)] = k == column + r ? 1.0 : 0.0;
  }
  solve_panel_rows(memory);
  for (int at = static_cast<int>(threadIdx.x); at < kPanel * kPanelRows; at += kPanelThreads) {
    const int k = at % kPanel, r = at / kPanel;
    if (k < width && k >= column + r) out.data[first + k + (first + column + r) * out.leading] = memory.rows[panel_at(r, k)];
  }
}

/// Where a block's tile lies: in which pair, and there in which row and column of T21.
struct PairTile {
  std::int64_t first;        // row where the pair begins
  std::int64_t rows;         // of T21
  std::int64_t row, column;  // where the tile begins within T21
};
__device__ PairTile pair_tile(const InvertArgs& args, std::int64_t s) {
  const std::int64_t across = s / kTile, tiles = across * across, pair = blockIdx.x / tiles, index = blockIdx.x % tiles;
  PairTile tile;
  tile.first = args.existing + 2 * s * pair;
  const std::int64_t below = args.factor.rows - tile.first - s;
  tile.rows = below < s ? below : s;
  // The last rows of T22 and the first columns of T11 have the longest way: they begin first.
  tile.row = (across - 1 - index % across) * kTile;
  tile.column = index / across * kTile;
  return tile;
}

/// product = L21 T11 of every pair; pair p's rows stand at p * s, members `product.stride` apart.
__global__ void __launch_bounds__(kTileThreads) pair_product_kernel(InvertArgs args, std::int64_t s, Matrix product) {
  if (args.idle()) return;
  const PairTile tile = pair_tile(args, s);
  if (tile.row >= tile.rows) return;
  const ConstMatrix factor = args.factor.member(blockIdx.y), inverse = args.out.member(blockIdx.y);
  const TileOperand left{factor.block(tile.first + s, tile.first, tile.rows, s)};
  const TileOperand right{inverse.block(tile.first, tile.first, s, s), true};
  double sum[kPer][kPer];
  clear_tile(sum);
  tile_product<Inner::across, Inner::down>(block_shared<TileBuffers<kPer>>(), left, tile.row, right, tile.column, tile.column,
                                           s, sum);
  double* to = product.member(blockIdx.y).data + (tile.first - args.existing) / 2;
#pragma unroll
  for (int b = 0; b < kPer; ++b)
#pragma unroll
    for (int a = 0; a < kPer; ++a) {
      const std::int64_t i = tile.row + tile_row(a), j = tile.column + tile_column(b);
      if (i < tile.rows) to[i + j * product.leading] = sum[b][a];
    }
}

/// T21 = -T22 product.
__global__ void __launch_bounds__(kTileThreads) pair_join_kernel(InvertArgs args, std::int64_t s, ConstMatrix product) {
  if (args.idle()) return;
  const PairTile tile = pair_tile(args, s);
  if (tile.row >= tile.rows) return;
  const Matrix out = args.out.member(blockIdx.y);
  const ConstMatrix own = product.member(blockIdx.y);
  const TileOperand left{out.block(tile.first + s, tile.first + s, tile.rows, tile.rows), true};
  const TileOperand right{own.block((tile.first - args.existing) / 2, 0, tile.rows, s)};
  const std::int64_t end = tile.row + kTile < tile.rows ? tile.row + kTile : tile.rows;
  double sum[kPer][kPer];
  clear_tile(sum);
  tile_product<Inner::across, Inner::down>(block_shared<TileBuffers<kPer>>(), left, tile.row, right, tile.column, 0, end, sum);
  double* to = out.data + tile.first + s + tile.first * out.leading;
#pragma unroll
  for (int b = 0; b < kPer; ++b)
#pragma unroll
    for (int a = 0; a < kPer; ++a) {
      const std::int64_t i = tile.row + tile_row(a), j = tile.column + tile_column(b);
      if (i < tile.rows) to[i + j * out.leading] = -sum[b][a];
    }
}

/// T21 from T11 (rows [first, middle)) and T22 (rows [middle, end)), for all members.
void join(CudaBackend& backend, const InvertArgs& args, std::int64_t first, std::int64_t middle, std::int64_t end) {
  Arena::Scope scope(backend.workspace());
  const std::int64_t above = middle - first, below = end - middle;
  // (L21 T11)' = T11' L21', so that the triangle stands on the left.
  const Matrix product = backend.workspace().matrix(above, below, args.out.batch);
  multiply_lower(backend, true, args.out.block(first, first, above, above), args.factor.block(middle, first, below, above), 1,
                 0, product, nullptr, true);
  multiply_lower(backend, false, args.out.block(middle, middle, below, below), product, -1, 0,
                 args.out.block(middle, first, below, above), nullptr, true);
}

}  // namespace

void invert_lower(CudaBackend& backend, const ConstMatrix& factor, std::int64_t existing, const Matrix& out,
                  const std::int32_t* active) {
  const std::int64_t n = factor.rows, fresh = n - existing;
  if (fresh <= 0 || out.batch == 0) return;
  const InvertArgs args{factor, existing, out, active};
  launch(backend, shape(2 * ceil_div(fresh, kPanel), kPanelThreads, out.batch), invert_diagonal_kernel, args);
  for (std::int64_t s = kPanel; s < fresh; s *= 2) {
    if (s >= 2 * backend.tuning().vendor_product_from) {
      for (std::int64_t first = existing; first + s < n; first += 2 * s)
        join(backend, args, first, first + s, std::min(first + 2 * s, n));
      continue;
    }
    Arena::Scope scope(backend.workspace());
    const std::int64_t pairs = ceil_div(fresh - s, 2 * s), across = s / kTile;
    const Matrix product = backend.workspace().matrix(pairs * s, s, out.batch);
    const Shape grid = shape(pairs * across * across, kTileThreads, out.batch);
    launch(backend, grid, pair_product_kernel, args, s, product);
    launch(backend, grid, pair_join_kernel, args, s, ConstMatrix(product));
  }
  if (existing > 0) join(backend, args, 0, existing, n);
}

}  // namespace warpbo::backend::cuda
