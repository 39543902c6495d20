#include "backend/cpu/cpu_backend.hpp"
#include "math/lbfgs.hpp"

namespace warpbo::backend {

namespace {

/// Advances the problem of row `row`; true if it wants another evaluation, whose point then stands in its state.
bool advance(const LbfgsStep& step, std::int64_t row) {
  const std::int64_t dimensions = step.dimensions;
  const std::int64_t problem = step.indices.data[row];
  const math::LbfgsLayout at{dimensions};
  double* state = step.state.data + problem * step.state.leading;
  if (state[math::LbfgsLayout::kStatus] == 0)
    for (std::int64_t i = 0; i < dimensions; ++i) state[at.trial() + i] = step.queries.data[row + i * step.queries.leading];
  const math::SerialTeam team;
  const auto lower = [&](std::int64_t i) { return step.lower.data[problem + i * step.lower.leading]; };
  const auto upper = [&](std::int64_t i) { return step.upper.data[problem + i * step.upper.leading]; };
  const double sign = step.maximize ? -1.0 : 1.0;
  const auto gradient = [&](std::int64_t i) { return sign * step.gradient.data[row + i * step.gradient.leading]; };
  math::LbfgsProblem solver(team, state, dimensions, lower, upper, gradient, step.gradient_tolerance, step.value_tolerance);
  return solver.advance(sign * step.value.data[row]);
}

}  // namespace

void CpuBackend::run(const LbfgsStep& step) {
  const math::LbfgsLayout at{step.dimensions};
  std::int32_t kept = 0;
  for (std::int32_t row = 0; row < *step.active; ++row) {
    if (!advance(step, row)) continue;
    const std::int32_t problem = step.indices.data[row];
    const double* trial = step.state.data + problem * step.state.leading + at.trial();
    for (std::int64_t i = 0; i < step.dimensions; ++i) step.queries.data[kept + i * step.queries.leading] = trial[i];
    step.indices.data[kept++] = problem;
  }
  *step.active = kept;
}

}  // namespace warpbo::backend
