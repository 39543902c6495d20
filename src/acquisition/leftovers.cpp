#include "acquisition/leftovers.hpp"

#include "math/philox.hpp"

#include <algorithm>

namespace warpbo::acquisition {

bool Leftovers::next(std::span<double> row) {
  const std::size_t d = row.size();
  if (!listed_) {
    rest_ = domain_.remaining(1 << 16);
    listed_ = true;
  }
  if (rest_.finite) {
    for (; at_ + d <= rest_.rows.size(); at_ += d) {
      const std::span<const double> point = std::span<const double>(rest_.rows).subspan(at_, d);
      if (!domain_.admissible(point)) continue;
      std::copy(point.begin(), point.end(), row.begin());
      return true;
    }
    return false;
  }
  std::vector<double> uniforms(d);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    math::PhiloxSequence random{seed_, 3, drawn_++, 0};
    for (double& u : uniforms) u = random.uniform();
    if (domain_.sample(uniforms, random.bits(), row) && domain_.admissible(row)) return true;
  }
  return false;
}

}  // namespace warpbo::acquisition
