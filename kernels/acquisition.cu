/// Acquisition values and gradients at queries: see kernels/query_tile.hpp for the launches and kernels/query_gradients.cu for
/// the last of them. Test: tests/backend/acquisition_test.cpp.
///
/// A round of a climb with 20 starts, n = 1000, d = 10 and one sample: covariances 1.5 us, V 3 us, U 3 us, gradients 2 us (all
/// predicted), 4 launches; with 64 samples 1.5 us for the means and 1 us for the sum over strips in addition. Floor of both
/// products: 8 n^2 bytes from L2, 1.6 us.
#include "kernels/query_tile.hpp"
#include "kernels/score.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cuda;

void acquire_tile(CudaBackend& backend, const Acquisition& call, const AcquisitionView& view, const QueryRows& rows) {
  const std::int64_t first = rows.first, count = rows.count;
  const bool with_gradient = !call.gradient.empty(), sampled = view.needs_mean() && view.samples > 1;
  double* value = call.value.data + first;
  QueryTile tile(backend, call.model, call.queries.block(first, 0, count, call.queries.columns), rows);
  tile.covariances(with_gradient);
  const Matrix means = view.needs_mean() && (sampled || !with_gradient)
                           ? backend.workspace().matrix(count, std::max<std::int64_t>(1, view.samples))
                           : Matrix{};
  if (sampled) tile.means(means, false);
  if (view.needs_variance()) tile.whiten();
  if (with_gradient) {
    if (view.needs_variance()) tile.unwhiten();
    GradientOutputs wanted;
    wanted.acquisition = &view;
    wanted.value = value;
    wanted.gradient = call.gradient.block(first, 0, count, call.gradient.columns);
    tile.gradients(wanted, means);
    return;
  }
  double* variance = view.needs_variance() ? backend.workspace().vector<double>(count).data : nullptr;
  tile.moments(view.needs_mean() && !sampled ? means.data : nullptr, variance);
  queue_score(backend, {view, means, variance, value, rows});
}

}  // namespace

void CudaBackend::run(const Acquisition& call) {
  enter();
  const AcquisitionView view = acquisition_view(call.acquisition);
  each_tile(*this, call.model.points.rows, call.queries.rows, call.gradient.empty() ? 2 : 4,
            [&](std::int64_t first, std::int64_t count) {
              acquire_tile(*this, call, view, {call.active, first, count});
            });
}

}  // namespace warpbo::backend
