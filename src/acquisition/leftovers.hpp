/// Any point that is left, for batches that have run out of better ideas.
#pragma once

#include "acquisition/search_domain.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::acquisition {

class Leftovers {
 public:
  Leftovers(const SearchDomain& domain, std::uint64_t seed) : domain_(domain), seed_(seed) {}

  /// Writes an admissible point. False when none was found: then a finite domain has none left.
  bool next(std::span<double> row);

 private:
  const SearchDomain& domain_;
  std::uint64_t seed_, drawn_ = 0;
  bool listed_ = false;  // whether `rest_` holds what a finite domain had left when it was first asked for
  SearchDomain::Remaining rest_;
  std::size_t at_ = 0;  // next number of `rest_.rows`
};

}  // namespace warpbo::acquisition
