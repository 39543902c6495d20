/// The host's side of a tile of queries: memory, products, and the loop over tiles.
#include "kernels/query_tile.hpp"

#include "kernels/triangles.hpp"

#include <warpbo/error.hpp>

#include <algorithm>

namespace warpbo::backend::cuda {

namespace {

constexpr std::int64_t kAligned = 16;    // columns begin at multiples of 128 bytes
constexpr std::int64_t kNarrowest = 64;  // queries per tile
constexpr std::int64_t kWidest = 1 << 20;

[[nodiscard]] std::int64_t padded(std::int64_t n) { return (n + kAligned - 1) / kAligned * kAligned; }

/// Queries per tile: a multiple of kNarrowest.
[[nodiscard]] std::int64_t tile_width(const CudaBackend& backend, std::int64_t n, int matrices) {
  const auto limit = static_cast<std::int64_t>(backend.traits().memory_limit);
  const std::int64_t bytes = std::min(backend.tuning().tile_bytes, limit);
  const std::int64_t fitting = bytes / (8 * std::max<std::int64_t>(1, padded(n)) * std::max(1, matrices));
  return std::clamp(fitting / kNarrowest * kNarrowest, kNarrowest, kWidest);
}

}  // namespace

bool few_queries(const CudaBackend& backend, std::int64_t count) { return count <= backend.tuning().few_queries; }

QueryTile::QueryTile(CudaBackend& backend, const Model& model, const ConstMatrix& queries, const QueryRows& rows)
    : backend_(backend), model_(model), queries_(queries), rows_(rows) {}

Matrix QueryTile::take() {
  const std::int64_t n = model_.points.rows;
  return backend_.workspace().matrix(padded(n), rows_.count).block(0, 0, n, rows_.count);
}

void QueryTile::whiten() { whiten(take()); }

void QueryTile::whiten(const Matrix& out) {
  whitened_ = out;
  if (model_.points.rows > 0)
    multiply_lower(backend_, false, model_.inverse_factor, covariance_, 1, 0, whitened_, rows_.active);
}

void QueryTile::unwhiten() {
  unwhitened_ = take();
  if (model_.points.rows > 0) multiply_lower(backend_, true, model_.inverse_factor, whitened_, 1, 0, unwhitened_, rows_.active);
}

void each_tile(CudaBackend& backend, std::int64_t n, std::int64_t m, int matrices,
               const std::function<void(std::int64_t first, std::int64_t count)>& body) {
  std::int64_t width = tile_width(backend, n, matrices);
  for (std::int64_t first = 0; first < m;) {
    const std::int64_t count = std::min(width, m - first);
    try {
      const Arena::Scope scope(backend.workspace());
      body(first, count);
      first += count;
    } catch (const Error& error) {
      // What was queued for this tile is done again: it wrote nothing but the tile's own results.
      if (error.code() != ErrorCode::resource_exhausted || count <= kNarrowest) throw;
      width = (count / 2 + kNarrowest - 1) / kNarrowest * kNarrowest;
    }
  }
}

}  // namespace warpbo::backend::cuda
