/// A small fitted process shared by the tests of this folder.
#pragma once

#include "gp/regression.hpp"
#include "math/philox.hpp"

#include <cmath>
#include <vector>

namespace warpbo::acquisition {

/// n points in d dimensions; the last `categorical` of them hold levels 0, 1, 2.
inline gp::Regression sample_model(std::size_t n, std::size_t d, double noise, std::size_t categorical = 0) {
  gp::Settings settings = gp::default_settings(static_cast<std::int64_t>(d));
  std::vector<double> points, targets;
  for (std::size_t i = 0; i < n; ++i) {
    double y = 0;
    for (std::size_t k = 0; k < d; ++k) {
      const bool level = k >= d - categorical;
      const double u = math::philox_uniform(21, 0, i, k);
      const double x = level ? std::floor(3 * u) : u;
      if (level) settings.categorical[k] = 1;
      points.push_back(x);
      y += level ? 0.5 * (x == 1) : (x - 0.6) * (x - 0.6) * 4;
    }
    targets.push_back(y - 1);
  }
  gp::Regression regression(backend::make_cpu_backend(), settings);
  regression.set_data(points, targets);
  gp::Theta theta(d, std::log(0.5));
  theta.push_back(std::log(noise));
  if (!regression.factorize(theta)) throw std::runtime_error("the sample model could not be factored");
  return regression;
}

}  // namespace warpbo::acquisition
