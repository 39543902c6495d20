#include "backend/cpu/cpu_backend.hpp"
#include "math/lbfgs.hpp"

#include <algorithm>
#include <vector>

namespace warpbo::backend {

namespace {

/// Advances the a-th active problem; true if it wants other points evaluated.
bool advance(const LbfgsStep& step, std::int64_t a) {
  const std::int64_t problem = step.indices.data[a], row = a * step.trials;
  double* state = step.state.data + problem * step.state.leading;
  const math::SerialTeam team;
  const auto lower = [&](std::int64_t i) { return step.lower.data[problem + i * step.lower.leading]; };
  const auto upper = [&](std::int64_t i) { return step.upper.data[problem + i * step.upper.leading]; };
  const math::LbfgsEvaluated evaluated{
      step.trials,           step.value.data + row,     step.queries.data + row, step.queries.leading, step.gradient.data + row,
      step.gradient.leading, step.maximize ? -1.0 : 1.0};
  math::LbfgsProblem solver(team, state, step.dimensions, lower, upper, evaluated, step.gradient_tolerance,
                            step.value_tolerance);
  return solver.advance();
}

/// Writes what `problem` wants evaluated to the rows of the a-th active one.
void gather(const LbfgsStep& step, std::int64_t a, std::int64_t problem) {
  const double* state = step.state.data + problem * step.state.leading;
  for (std::int64_t i = 0; i < step.dimensions; ++i) {
    const double lower = step.lower.data[problem + i * step.lower.leading],
                 upper = step.upper.data[problem + i * step.upper.leading];
    double* column = step.queries.data + a * step.trials + i * step.queries.leading;
    for (std::int64_t t = 0; t < step.trials; ++t)
      column[t] = math::lbfgs_trial_point(state, {step.dimensions}, t, i, lower, upper);
  }
}

}  // namespace

void CpuBackend::run(const LbfgsStep& step) {
  // Problems are independent; which of them go on is known before any row is squeezed out.
  constexpr std::int64_t kChunk = 64;
  const std::int64_t count = *step.active / step.trials, chunks = (count + kChunk - 1) / kChunk;
  std::vector<unsigned char> goes_on(static_cast<std::size_t>(count));
  // In nanoseconds: the two loops over eight pairs of the history.
  const double cost = static_cast<double>(count) * (100 + 30 * static_cast<double>(step.dimensions));
  team_.each(chunks, cost, [&](std::int64_t chunk) {
    for (std::int64_t a = chunk * kChunk; a < std::min(count, (chunk + 1) * kChunk); ++a)
      goes_on[static_cast<std::size_t>(a)] = advance(step, a) ? 1 : 0;
  });
  std::int32_t kept = 0;
  for (std::int64_t a = 0; a < count; ++a) {
    if (goes_on[static_cast<std::size_t>(a)] == 0) continue;
    const std::int32_t problem = step.indices.data[a];
    gather(step, kept, problem);
    step.indices.data[kept++] = problem;
  }
  *step.active = kept * static_cast<std::int32_t>(step.trials);
}

}  // namespace warpbo::backend
