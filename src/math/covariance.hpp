/// Covariance functions and their derivatives.
#pragma once

namespace warpbo::math {

enum class KernelFamily { matern52, rbf };

}  // namespace warpbo::math
