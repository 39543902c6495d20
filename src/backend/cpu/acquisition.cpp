#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/improvement_loops.hpp"
#include "backend/cpu/query_tile.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cpu;

void acquire_tile(const Acquisition& call, const PreparedModel& prepared, std::int64_t first, std::int64_t count,
                  ScratchPool& pool, const Team& team) {
  const std::int64_t n = prepared.points().rows, d = call.queries.columns, samples = samples_used(call.acquisition);
  const bool with_gradient = !call.gradient.empty();
  const bool by_mean_needed = with_gradient && needs_mean(call.acquisition);
  QueryTile tile(prepared, call.queries.block(first, 0, count, d), with_gradient, pool, team);
  Scratch scratch(pool, 2 * kQueryStrip * samples + 2 * kQueryStrip + (by_mean_needed ? padded(n) * count : 0));
  double* mean = scratch.take(kQueryStrip * samples);
  double* by_mean = scratch.take(kQueryStrip * samples);
  double* variance = scratch.take(kQueryStrip);
  double* by_variance = scratch.take(kQueryStrip);
  if (needs_mean(call.acquisition)) tile.means(samples, mean, kQueryStrip);
  if (needs_variance(call.acquisition)) {
    tile.whiten();
    tile.variances(variance);
  }
  acquisition_values(call.acquisition, count, mean, kQueryStrip, variance, call.value.data + first,
                     with_gradient ? by_mean : nullptr, by_variance);
  if (!with_gradient) return;
  if (needs_variance(call.acquisition)) tile.unwhiten();
  // All samples move one query's gradient through one combination of the weights: n x count = W (count x S)'.
  double* coefficients = by_mean_needed ? scratch.take(padded(n) * count) : nullptr;
  if (by_mean_needed)
    gemm(Op::none, Op::transpose, n, count, samples, 1, call.model.weights.data, call.model.weights.leading, by_mean,
         kQueryStrip, 0, coefficients, padded(n));
  for (std::int64_t q = 0; q < count; ++q)
    tile.gradient(q, by_mean_needed ? coefficients + q * padded(n) : nullptr,
                  needs_variance(call.acquisition) ? by_variance[q] : 0.0, call.gradient.data + first + q,
                  call.gradient.leading);
}

}  // namespace

void CpuBackend::run(const Acquisition& call) {
  std::int64_t m = call.queries.rows;
  if (call.active != nullptr) m = std::min<std::int64_t>(m, *call.active);
  if (m == 0) return;
  const PreparedModel prepared(call.model, call.queries.columns, scratch_);
  const std::int64_t width = tile_size(m);
  static_assert(kQueryStrip >= 128, "a tile of queries must fit into one strip");
  const double cost = query_cost(prepared, m, needs_variance(call.acquisition), !call.gradient.empty()) +
                      10.0 * static_cast<double>(m) * static_cast<double>(samples_used(call.acquisition));
  const std::int64_t tiles = (m + width - 1) / width;
  const Team helpers = tiles == 1 ? team_ : Team::alone();
  team_.each(tiles, cost, [&](std::int64_t task) {
    acquire_tile(call, prepared, task * width, std::min(width, m - task * width), scratch_, helpers);
  });
}

}  // namespace warpbo::backend
