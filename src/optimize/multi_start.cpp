#include "optimize/multi_start.hpp"

#include "math/lbfgs.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

namespace warpbo::optimize {

namespace {

using backend::Arena;
using backend::Backend;
using backend::Matrix;

Matrix upload_rows(Arena& arena, std::span<const double> rows, std::int64_t count, std::int64_t dimensions) {
  const Matrix out = arena.matrix(count, dimensions);
  const std::vector<double> columns = transposed(rows, count, dimensions);
  arena.backend().upload(out.data, columns.data(), columns.size() * sizeof(double));
  return out;
}

/// Every row `times` times.
std::vector<double> repeated(const std::vector<double>& rows, std::int64_t dimensions, std::int64_t times) {
  std::vector<double> out;
  out.reserve(rows.size() * static_cast<std::size_t>(times));
  for (auto row = rows.begin(); row != rows.end(); row += dimensions)
    for (std::int64_t t = 0; t < times; ++t) out.insert(out.end(), row, row + dimensions);
  return out;
}

std::vector<double> clamped(std::span<const double> starts, std::span<const double> lower, std::span<const double> upper) {
  std::vector<double> out(starts.begin(), starts.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::min(std::max(out[i], lower[i]), upper[i]);
  return out;
}

MultiStartResult read_results(Arena& arena, const Matrix& state, std::int64_t dimensions, bool maximize) {
  // Value and point are at the head of each column; the rest, the history of the search, stays where it is.
  const math::LbfgsLayout at{dimensions};
  const std::int64_t rows = at.x() + dimensions;
  const Matrix head = arena.matrix(rows, state.columns);
  arena.backend().copy(state.block(0, 0, rows, state.columns), head);
  std::vector<double> host(static_cast<std::size_t>(rows * state.columns));
  arena.backend().download(host.data(), head.data, host.size() * sizeof(double));
  MultiStartResult result;
  for (std::int64_t p = 0; p < state.columns; ++p) {
    const double* column = host.data() + p * rows;
    result.points.insert(result.points.end(), column + at.x(), column + at.x() + dimensions);
    const double value = column[math::LbfgsLayout::kValue];
    result.values.push_back(maximize ? -value : value);
  }
  return result;
}

}  // namespace

std::int64_t affordable_trials(std::int64_t free_rows, std::int64_t problems) {
  return std::clamp<std::int64_t>(free_rows / std::max<std::int64_t>(problems, 1), 1, math::kLbfgsTrials);
}

MultiStartResult multi_start(Arena& arena, std::int64_t dimensions, std::span<const double> starts,
                             std::span<const double> lower, std::span<const double> upper, const Objective& objective,
                             const MultiStartOptions& options) {
  const std::int64_t problems = dimensions == 0 ? 0 : static_cast<std::int64_t>(starts.size()) / dimensions;
  if (problems == 0) return {};
  Arena::Scope scope(arena);
  Backend& backend = arena.backend();

  const auto active = arena.vector<std::int32_t>(1);
  const auto indices = options.indices.empty() ? arena.vector<std::int32_t>(problems) : options.indices;
  std::vector<std::int32_t> order(static_cast<std::size_t>(problems));
  std::iota(order.begin(), order.end(), 0);
  const std::int64_t trials = std::clamp<std::int64_t>(options.trials, 1, math::kLbfgsTrials), rows = problems * trials;
  auto remaining = static_cast<std::int32_t>(rows);
  backend.upload(indices.data, order.data(), order.size() * sizeof(std::int32_t));
  backend.upload(active.data, &remaining, sizeof remaining);

  backend::LbfgsStep step;
  step.problems = problems;
  step.dimensions = dimensions;
  step.trials = trials;
  step.lower = upload_rows(arena, lower, problems, dimensions);
  step.upper = upload_rows(arena, upper, problems, dimensions);
  step.gradient_tolerance = options.gradient_tolerance;
  step.value_tolerance = options.value_tolerance;
  step.state = arena.matrix(math::lbfgs_state_size(dimensions), problems);
  step.queries = upload_rows(arena, repeated(clamped(starts, lower, upper), dimensions, trials), rows, dimensions);
  step.indices = indices;
  step.active = active.data;
  step.maximize = options.maximize;
  const backend::Vector value = arena.vector<double>(rows);
  const Matrix gradient = arena.matrix(rows, dimensions);
  step.value = value;
  step.gradient = gradient;
  backend.fill(step.state, 0);

  // Asking how many are left makes a device wait for the host; Traits says how often that is worth it.
  const int per_check = backend.traits().rounds_per_check;
  const std::unique_ptr<backend::Round> round = backend.record([&] {
    objective(step.queries, active.data, value, gradient);
    backend.run(step);
  });
  int rounds = 0;
  const auto stopped = [&] { return rounds > 0 && options.stop && options.stop(); };  // every start is evaluated at least once
  while (remaining > 0 && rounds < options.max_rounds && !stopped()) {
    const int next = std::min(per_check, options.max_rounds - rounds);
    round->run(next);
    rounds += next;
    if (rounds < options.max_rounds) backend.download(&remaining, active.data, sizeof remaining);
  }
  MultiStartResult result = read_results(arena, step.state, dimensions, options.maximize);
  result.rounds = rounds;
  return result;
}

}  // namespace warpbo::optimize
