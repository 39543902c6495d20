/// Which scored candidates are worth climbing from.
#pragma once

#include "acquisition/candidate_pool.hpp"

#include <vector>

namespace warpbo::acquisition {

/// Up to `count` rows: the best candidate; the best of every combination of discrete levels while there are few of them; then
/// the best that are not next to one already chosen, so that different hills are climbed. Row-major.
[[nodiscard]] std::vector<double> choose_starts(const SearchDomain& domain, const CandidatePool& pool,
                                                const std::vector<double>& scores, int count);

}  // namespace warpbo::acquisition
