/// From good starting points to local maxima of an acquisition function.
#pragma once

#include "acquisition/search_domain.hpp"
#include "backend/memory.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::acquisition {

/// The function to be maximized.
struct Target {
  backend::Model model;
  backend::AcquisitionSpec acquisition;
};

struct ClimbOptions {
  int max_rounds = 60;       ///< of L-BFGS
  int discrete_rounds = 12;  ///< sweeps over neighbouring levels
};

/// Values at row-major points.
[[nodiscard]] std::vector<double> evaluate(backend::Arena& arena, const Target& target, std::span<const double> rows,
                                           std::int64_t dimensions);

/// Points (row-major) and their values, best first.
struct Climbed {
  std::vector<double> rows;
  std::vector<double> values;
};

/// Climbs from all `starts` (row-major, snapped) at once and returns snapped points with their exact values: for every start
/// the best of what was met on the way, the start included. Continuous columns move by L-BFGS; a column with few levels, or
/// categorical, is searched by trying its levels; a column with many levels moves by L-BFGS as if it were continuous and then
/// level by level, every candidate being evaluated where it really lies. Linear constraints enter as a penalty, and what ends
/// outside is pulled back towards its start.
[[nodiscard]] Climbed climb(backend::Arena& arena, const SearchDomain& domain, const Target& target,
                            std::span<const double> starts, const ClimbOptions& options);

}  // namespace warpbo::acquisition
