/// Local search over the levels of columns that are not continuous.
#pragma once

#include "acquisition/climb.hpp"

namespace warpbo::acquisition {

/// Improves every point in place until no single change of level helps, or `rounds` sweeps are done. Categorical columns and
/// columns with few levels try every level (a sample of them beyond 24), longer grids try steps of 1, 2, 4, ... levels both
/// ways. All neighbours of as many points as memory allows are evaluated in one batch. Point p is problem p.
void search_levels(backend::Arena& arena, const SearchDomain& domain, const Landscape& landscape, int rounds, Climbed& points);

}  // namespace warpbo::acquisition
