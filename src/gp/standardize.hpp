/// Targets to zero mean and unit variance, safely at any scale.
#pragma once

#include <span>

namespace warpbo::gp {

struct Standardization {
  double center = 0;
  double scale = 1;

  /// Computed in two passes on values divided by their largest magnitude, so that 1e300 does not overflow and 1e-300 does not
  /// vanish. Constant targets get scale = max(|center|, tiny): they carry no information about variation.
  [[nodiscard]] static Standardization of(std::span<const double> targets);

  [[nodiscard]] double forward(double y) const { return y / scale - center / scale; }
  [[nodiscard]] double backward(double z) const { return z * scale + center; }
};

}  // namespace warpbo::gp
