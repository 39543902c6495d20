// Whether the space as a whole makes sense, and how large it is.
#include <warpbo/space.hpp>

#include "space/cardinality.hpp"
#include "space/compiled.hpp"
#include "space/spec.hpp"

namespace warpbo {

void Space::validate() const {
  if (parameters().empty()) space::invalid("the search space has no parameter; declare at least one");
  const space::Compiled compiled(*this);
}

std::optional<std::int64_t> Space::cardinality() const {
  const space::Compiled compiled(*this);
  return space::count_points(compiled);
}

}  // namespace warpbo
