#include "gp/settings.hpp"

#include <cmath>

namespace warpbo::gp {

Settings default_settings(std::int64_t dimensions) {
  const double d = static_cast<double>(dimensions < 1 ? 1 : dimensions);
  Settings settings;
  settings.categorical.assign(static_cast<std::size_t>(dimensions), 0);
  // The density of a LogNormal(mu, sigma) in l itself, written over log l, is a normal around mu - sigma^2: that is the prior's
  // mode, 0.205 sqrt(d).
  settings.prior.lengthscale_center = std::sqrt(2.0) + 0.5 * std::log(d) - 3.0;
  settings.prior.lengthscale_sd = std::sqrt(3.0);
  settings.prior.noise_center = -4.0 - 1.0;
  settings.prior.noise_sd = 1.0;
  // A weak inverse gamma with its mode at the variance of standardized targets keeps the outputscale finite for n = 1.
  settings.prior.shape = 1.0;
  settings.prior.rate = 2.0;
  settings.max_lengthscale = 100 * std::sqrt(d);
  return settings;
}

}  // namespace warpbo::gp
