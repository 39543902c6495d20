#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/query_tile.hpp"

#include <algorithm>

namespace warpbo::backend {

void CpuBackend::run(const Posterior& posterior) {
  using namespace cpu;
  const std::int64_t d = posterior.queries.columns;
  std::int64_t m = posterior.queries.rows;
  if (posterior.active != nullptr) m = std::min<std::int64_t>(m, *posterior.active);
  if (m == 0) return;
  const PreparedModel prepared(posterior.model, d, scratch_);
  const bool by_mean = !posterior.mean_gradient.empty(), by_variance = !posterior.variance_gradient.empty();
  const bool whiten = !posterior.variance.empty() || by_variance || !posterior.whitened.empty();
  const std::int64_t width = tile_size(m);
  const double cost = query_cost(prepared, m, whiten, by_mean || by_variance);
  team_.each((m + width - 1) / width, cost, [&](std::int64_t task) {
    const std::int64_t first = task * width, count = std::min(width, m - first);
    QueryTile tile(prepared, posterior.queries.block(first, 0, count, d), by_mean || by_variance, scratch_);
    if (!posterior.mean.empty()) tile.means(posterior.mean.columns, posterior.mean.data + first, posterior.mean.leading);
    if (by_mean)
      for (std::int64_t q = 0; q < count; ++q)
        tile.gradient(q, posterior.model.weights.data, 0, posterior.mean_gradient.data + first + q,
                      posterior.mean_gradient.leading);
    if (!whiten) return;
    if (posterior.whitened.empty())
      tile.whiten();
    else
      tile.whiten(posterior.whitened.data + first * posterior.whitened.leading, posterior.whitened.leading);
    Scratch own(scratch_, padded(count));
    double* variance = own.take(count);
    tile.variances(variance);
    if (!posterior.variance.empty()) std::copy_n(variance, count, posterior.variance.data + first);
    if (!by_variance) return;
    tile.unwhiten();
    for (std::int64_t q = 0; q < count; ++q) {
      // Where the variance is cut off at 0 it is constant.
      const double factor = variance[q] == 0 ? 0.0 : 1.0;
      tile.gradient(q, nullptr, factor, posterior.variance_gradient.data + first + q, posterior.variance_gradient.leading);
    }
  });
}

}  // namespace warpbo::backend
