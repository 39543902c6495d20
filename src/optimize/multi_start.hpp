/// Minimizes (or maximizes) one smooth function over a box from many starting points at once.
///
/// All problems advance together: one round is one batched evaluation and one batched L-BFGS step. Problems that converge
/// leave, so later rounds are cheaper.
#pragma once

#include "backend/memory.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace warpbo::optimize {

/// Evaluates the first *active rows of `queries` (T P x D) into `value` and `gradient` (T P x D), all in backend memory.
using Objective = std::function<void(backend::ConstMatrix queries, const std::int32_t* active, backend::Vector value,
                                     backend::Matrix gradient)>;

struct MultiStartOptions {
  bool maximize = false;
  int max_rounds = 100;              ///< batches of evaluations
  std::int64_t trials = 1;           ///< T, step lengths that a round tries for each problem; see `affordable_trials`
  double gradient_tolerance = 1e-6;  ///< largest entry of the projected gradient
  double value_tolerance = 1e-10;    ///< relative change of the value in one iteration
  /// Asked between rounds; true ends the search with the best so far. Null: never.
  std::function<bool()> stop = {};
  /// P entries in backend memory for which problem each row of the queries belongs to, where the objective wants to know.
  /// Empty: taken from the arena.
  backend::VectorView<std::int32_t> indices = {};
};

/// How many step lengths a round may try for each of `problems` without taking longer, on an engine with that many `free_rows`
/// (backend::Traits).
[[nodiscard]] std::int64_t affordable_trials(std::int64_t free_rows, std::int64_t problems);

struct MultiStartResult {
  std::vector<double> points;  ///< P x D, row-major: the best point of each problem
  std::vector<double> values;  ///< P; +-infinity where not even the start could be evaluated
  int rounds = 0;
};

/// `starts`, `lower`, `upper` are row-major P x D in host memory; equal bounds fix a variable. Starts are clamped to the box.
[[nodiscard]] MultiStartResult multi_start(backend::Arena& arena, std::int64_t dimensions, std::span<const double> starts,
                                           std::span<const double> lower, std::span<const double> upper,
                                           const Objective& objective, const MultiStartOptions& options = {});

}  // namespace warpbo::optimize
