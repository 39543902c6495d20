/// Cholesky factors of a batch of matrices: A = L L', lower triangles only.
///
/// Up to the size that fits in shared memory (170 rows on an H100) a member is factored by one block in one launch. Larger ones
/// go in panels of 64 columns, right-looking, all members at once (grid.y), two launches per panel:
///   solve:   the rows below the panel's diagonal block, 32 per block, L_ik = A_ik L_kk'^-1;
///   update:  every 64 x 64 tile right of the panel, A_ij -= L_ik L_jk'; the block of the first tile goes on to factor it, so
///            that it is the next panel's diagonal block.
/// That is 1 + 2 (ceil(n / 64) - 1) launches. On an H100 the chain per panel is estimated as 2 x 1.5 us from launch to launch,
/// 1 us loads and 1.3 us substitution, then 1 us loads, 2.2 us for a tile of depth 64 (137 GFLOP/s of one multiprocessor), and
/// 3 us for 64 pivots: 12 us, 0.18 ms at n = 1000 against 70 us for the pivots alone. Floor for large n and batches: n^3 / 3
/// flops per member on the vector units.
///
/// With existing rows the new rows are solved against them first, either panel by panel, or by cuBLAS, or, where the inverse of
/// the existing factor is at hand, by a product with it, which reads that triangle once: 4 n^2 bytes, nothing sequential.
///
/// A member whose pivot is bad has info set and takes no part in later panels. Test: tests/backend/cholesky_test.cpp.
#include "kernels/block_triangle.cuh"
#include "kernels/covariance.cuh"
#include "kernels/launch.cuh"
#include "kernels/tile_product.cuh"
#include "kernels/triangles.hpp"

namespace warpbo::backend::cuda {

namespace {

constexpr int kPerThread = kPanel / kTileSide;

struct FactorArgs {
  Matrix a;                    // n x n per member
  std::int64_t existing;       // rows that were given as a factor
  std::int32_t* info;          // one per member
  const std::int32_t* active;  // null: all members

  [[nodiscard]] __device__ bool idle() const { return active != nullptr && static_cast<std::int64_t>(blockIdx.y) >= *active; }
  /// Whether a pivot in the rows before `row` was bad. Later rows may be failing at this very moment in another block: the
  /// answer does not depend on that.
  [[nodiscard]] __device__ bool failed_before(std::int64_t row) const {
    const std::int32_t bad = info[blockIdx.y];
    return bad != 0 && bad <= row;
  }
  [[nodiscard]] __device__ Matrix member() const { return a.member(blockIdx.y); }
};

/// Rows and columns [first, first + count), whose updates are done, in shared memory.
__global__ void factor_block_kernel(FactorArgs args, std::int64_t first, int count) {
  if (args.idle()) return;
  const Matrix a = args.member().block(first, first, count, count);
  double* shared = dynamic_shared();
  for (int at = static_cast<int>(threadIdx.x); at < count * count; at += static_cast<int>(blockDim.x)) {
    const int i = at % count, j = at / count;
    if (i >= j) shared[at] = a.data[i + j * a.leading];
  }
  __syncthreads();
  const int bad = factor_in_shared(shared, count, count);
  for (int at = static_cast<int>(threadIdx.x); at < count * count; at += static_cast<int>(blockDim.x)) {
    const int i = at % count, j = at / count;
    if (i >= j) a.data[i + j * a.leading] = shared[at];
  }
  if (threadIdx.x == 0) args.info[blockIdx.y] = bad == 0 ? 0 : static_cast<std::int32_t>(first + bad);
}

/// Rows from `rows` on, kPanelRows per block, of the panel of `width` columns whose diagonal block begins at `panel`.
__global__ void __launch_bounds__(kPanelThreads)
    solve_panel_kernel(FactorArgs args, std::int64_t panel, int width, std::int64_t rows) {
  if (args.idle() || (rows > args.existing && args.failed_before(panel + width))) return;
  PanelMemory& memory = block_shared<PanelMemory>();
  const Matrix a = args.member();
  load_panel_factor(memory, a.data + panel + panel * a.leading, a.leading, width);
  const std::int64_t row = rows + static_cast<std::int64_t>(blockIdx.x) * kPanelRows + lane();
  double* own = a.data + row + panel * a.leading;
#pragma unroll
  for (int k = warp(); k < kPanel; k += kPanelThreads / kWarp)
    memory.rows[panel_at(lane(), k)] = row < a.rows && k < width ? own[k * a.leading] : 0.0;
  solve_panel_rows(memory);
#pragma unroll
  for (int k = warp(); k < kPanel; k += kPanelThreads / kWarp)
    if (row < a.rows && k < width) own[k * a.leading] = memory.rows[panel_at(lane(), k)];
}

/// The tile loses the product of the panel's rows. Returns what is left of this thread's elements; those above the diagonal and
/// beyond the end hold numbers without meaning.
__device__ void updated_tile(TileBuffers<kPerThread>& buffers, const Matrix& a, std::int64_t row, std::int64_t column,
                             std::int64_t panel, int width, double (&value)[kPerThread][kPerThread]) {
  double sum[kPerThread][kPerThread];
  clear_tile(sum);
  const TileOperand operand{a};
  tile_product<Inner::across, Inner::across>(buffers, operand, row, operand, column, panel, panel + width, sum);
#pragma unroll
  for (int c = 0; c < kPerThread; ++c)
#pragma unroll
    for (int r = 0; r < kPerThread; ++r) {
      const std::int64_t i = row + tile_row(r), j = column + tile_column(c);
      value[c][r] = (i < a.rows && i >= j ? a.data[i + j * a.leading] : 0.0) - sum[c][r];
    }
}

__device__ void store_tile(const Matrix& a, std::int64_t row, std::int64_t column, std::int64_t end_column,
                           const double (&value)[kPerThread][kPerThread]) {
#pragma unroll
  for (int c = 0; c < kPerThread; ++c)
#pragma unroll
    for (int r = 0; r < kPerThread; ++r) {
      const std::int64_t i = row + tile_row(r), j = column + tile_column(c);
      if (i < a.rows && i >= j && j < end_column) a.data[i + j * a.leading] = value[c][r];
    }
}

union UpdateMemory {
  TileBuffers<kPerThread> tiles;
  double corner[kPanel * kPanel];
};

/// One tile per block of the triangle right of a panel; the first tile is factored at once.
__global__ void __launch_bounds__(kTileThreads, 1) update_kernel(FactorArgs args, std::int64_t panel) {
  if (args.idle() || args.failed_before(panel + kPanel)) return;
  UpdateMemory& memory = block_shared<UpdateMemory>();
  const Matrix a = args.member();
  const TriangleTile tile = triangle_tile(blockIdx.x);
  const std::int64_t first = panel + kPanel, row = first + tile.row * kPanel, column = first + tile.column * kPanel;
  double value[kPerThread][kPerThread];
  updated_tile(memory.tiles, a, row, column, panel, kPanel, value);
  if (blockIdx.x != 0) return store_tile(a, row, column, a.rows, value);
#pragma unroll
  for (int c = 0; c < kPerThread; ++c)
#pragma unroll
    for (int r = 0; r < kPerThread; ++r) memory.corner[tile_row(r) + tile_column(c) * kPanel] = value[c][r];
  __syncthreads();
  const int count = static_cast<int>(a.rows - first < kPanel ? a.rows - first : kPanel);
  const int bad = factor_in_shared(memory.corner, count, kPanel);
#pragma unroll
  for (int c = 0; c < kPerThread; ++c)
#pragma unroll
    for (int r = 0; r < kPerThread; ++r) value[c][r] = memory.corner[tile_row(r) + tile_column(c) * kPanel];
  store_tile(a, row, column, a.rows, value);
  if (bad != 0 && threadIdx.x == 0) args.info[blockIdx.y] = static_cast<std::int32_t>(first + bad);
}

/// Rows below the existing factor, columns of it right of a panel: grid.x counts tiles column by column.
__global__ void __launch_bounds__(kTileThreads) update_rows_kernel(FactorArgs args, std::int64_t panel) {
  if (args.idle()) return;
  const Matrix a = args.member();
  const std::int64_t row_tiles = (a.rows - args.existing + kPanel - 1) / kPanel;
  const std::int64_t row = args.existing + blockIdx.x % row_tiles * kPanel;
  const std::int64_t column = panel + kPanel + blockIdx.x / row_tiles * kPanel;
  double value[kPerThread][kPerThread];
  updated_tile(block_shared<TileBuffers<kPerThread>>(), a, row, column, panel, kPanel, value);
  store_tile(a, row, column, args.existing, value);
}

constexpr int kThreads = 256;

/// The lower triangle of the new corner loses `product`.
__global__ void subtract_corner_kernel(FactorArgs args, ConstMatrix product) {
  if (args.idle()) return;
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const ConstMatrix own = product.member(blockIdx.y);
  const Matrix corner = args.member().block(args.existing, args.existing, own.rows, own.rows);
  for (std::int64_t j = blockIdx.z; j < own.rows; j += gridDim.z)
    if (i >= j && i < own.rows) corner.data[i + j * corner.leading] -= own.data[i + j * own.leading];
}

/// out = in', one thread per element.
__global__ void transpose_kernel(ConstMatrix in, Matrix out, const std::int32_t* active) {
  if (active != nullptr && static_cast<std::int64_t>(blockIdx.y) >= *active) return;
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= in.rows * in.columns) return;
  const std::int64_t i = at % in.rows, j = at / in.rows;
  out.member(blockIdx.y).data[j + i * out.leading] = in.member(blockIdx.y).data[i + j * in.leading];
}

/// The vendor's info knows no NaN: all diagonal entries of a factor must be positive and finite. One block; rows count from
/// `offset`.
__global__ void check_diagonal_kernel(ConstMatrix factor, std::int64_t offset, std::int32_t* info) {
  const double none = static_cast<double>(factor.rows) + 1;
  double first = *info > 0 ? *info : none;
  for (std::int64_t i = threadIdx.x; i < factor.rows; i += blockDim.x) {
    const double pivot = factor.data[i + i * factor.leading];
    if (!(pivot > 0 && isfinite(pivot)) && static_cast<double>(i + 1) < first) first = static_cast<double>(i + 1);
  }
  first = -block_max(-first);
  if (threadIdx.x == 0) *info = first < none ? static_cast<std::int32_t>(offset + static_cast<std::int64_t>(first)) : 0;
}

__global__ void clear_info_kernel(std::int32_t* info, std::int64_t batch, const std::int32_t* active) {
  const std::int64_t p = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (p < batch && (active == nullptr || p < *active)) info[p] = 0;
}

class Factorization {
 public:
  Factorization(CudaBackend& backend, const FactorArgs& args)
      : backend_(backend), args_(args), n_(args.a.rows), batch_(args.a.batch), existing_(args.existing) {}

  /// The new rows' part below the existing factor, and what the new corner loses by it.
  void extend(const ConstMatrix& inverse) {
    const std::int64_t fresh = n_ - existing_;
    Arena::Scope scope(backend_.workspace());
    const Matrix rows = args_.a.block(existing_, 0, fresh, existing_);
    if (!inverse.empty())
      multiply_by_inverse(inverse, rows);
    else if (batch_ == 1 && existing_ >= backend_.tuning().vendor_cholesky_from)
      backend_.dense().solve_lower(Side::right, Op::transpose, fresh, existing_, args_.a.data, args_.a.leading, rows.data,
                                   rows.leading);
    else
      solve_panels();
    const Matrix product = backend_.workspace().matrix(fresh, fresh, batch_);
    multiply_full(backend_, false, rows, true, rows, 1, 0, product);
    const Shape grid{dim3(static_cast<unsigned>(ceil_div(fresh, kThreads)), static_cast<unsigned>(batch_),
                          static_cast<unsigned>(std::min<std::int64_t>(fresh, 1024))),
                     dim3(kThreads)};
    launch(backend_, grid, subtract_corner_kernel, args_, ConstMatrix(product));
  }

  /// The triangle from `existing` on.
  void factor() {
    const std::int64_t fresh = n_ - existing_;
    if (batch_ == 1 && fresh >= backend_.tuning().vendor_cholesky_from) return factor_by_vendor();
    if (fits_shared(fresh)) return factor_block(existing_, fresh);
    factor_block(existing_, kPanel);
    for (std::int64_t panel = existing_; panel + kPanel < n_; panel += kPanel) {
      const std::int64_t below = n_ - panel - kPanel, tiles = ceil_div(below, kPanel);
      launch(backend_, shape(ceil_div(below, kPanelRows), kPanelThreads, batch_), solve_panel_kernel, args_, panel, kPanel,
             panel + kPanel);
      launch(backend_, shape(tiles * (tiles + 1) / 2, kTileThreads, batch_), update_kernel, args_, panel);
    }
  }

 private:
  [[nodiscard]] bool fits_shared(std::int64_t rows) const {
    return static_cast<std::size_t>(rows * rows) * sizeof(double) <= backend_.shared_limit();
  }

  void factor_block(std::int64_t first, std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count * count) * sizeof(double);
    allow_shared(backend_, factor_block_kernel, bytes);
    launch(backend_, shape(1, factor_threads(static_cast<int>(count)), batch_, bytes), factor_block_kernel, args_, first,
           static_cast<int>(count));
  }

  void factor_by_vendor() {
    const Matrix corner = args_.a.block(existing_, existing_, n_ - existing_, n_ - existing_);
    backend_.dense().cholesky(corner.rows, corner.data, corner.leading, args_.info);
    launch(backend_, shape(1, 1024), check_diagonal_kernel, ConstMatrix(corner), existing_, args_.info);
  }

  void multiply_by_inverse(const ConstMatrix& inverse, const Matrix& rows) {
    const Matrix columns = backend_.workspace().matrix(existing_, rows.rows, batch_);
    multiply_lower(backend_, false, inverse, rows, 1, 0, columns, nullptr, true);
    launch(backend_, shape(ceil_div(rows.rows * existing_, kThreads), kThreads, batch_), transpose_kernel, ConstMatrix(columns),
           rows, args_.active);
  }

  void solve_panels() {
    for (std::int64_t panel = 0; panel < existing_; panel += kPanel) {
      const std::int64_t width = std::min<std::int64_t>(kPanel, existing_ - panel), right = existing_ - panel - width;
      launch(backend_, shape(ceil_div(n_ - existing_, kPanelRows), kPanelThreads, batch_), solve_panel_kernel, args_, panel,
             static_cast<int>(width), existing_);
      launch(backend_, shape(ceil_div(n_ - existing_, kPanel) * ceil_div(right, kPanel), kTileThreads, batch_),
             update_rows_kernel, args_, panel);
    }
  }

  CudaBackend& backend_;
  FactorArgs args_;
  std::int64_t n_, batch_, existing_;
};

}  // namespace

void factor_lower(CudaBackend& backend, const Matrix& a, std::int64_t existing, std::int32_t* info, const std::int32_t* active,
                  const ConstMatrix& inverse) {
  if (a.batch == 0) return;
  if (a.rows <= existing)
    return launch(backend, shape(ceil_div(a.batch, kThreads), kThreads), clear_info_kernel, info, a.batch, active);
  Factorization factorization(backend, {a, existing, info, active});
  if (existing > 0) factorization.extend(inverse);
  factorization.factor();
}

}  // namespace warpbo::backend::cuda
