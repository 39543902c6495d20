/// A process fitted to the benchmark's problem with its hyperparameters, and what the CPU engine makes of the same numbers.
#pragma once

#include "gp/regression.hpp"
#include "gpu/data.hpp"

#include <memory>
#include <stdexcept>

namespace warpbo::bench {

/// Over the first n observations of `problem`.
inline void refit(gp::Regression& regression, const Problem& problem, std::int64_t n) {
  const auto count = static_cast<std::size_t>(n);
  regression.set_data(std::span(problem.points).first(count * static_cast<std::size_t>(problem.d)),
                      std::span(problem.targets).first(count));
  if (!regression.factorize(problem.theta)) throw std::runtime_error("the benchmark's own process could not be factored");
}

inline gp::Regression fitted(const std::shared_ptr<backend::Backend>& backend, const Problem& problem) {
  gp::Regression regression(backend, gp::default_settings(problem.d));
  refit(regression, problem, problem.n);
  return regression;
}

/// A fitted process in another backend's memory, number by number.
class Copied {
 public:
  Copied(const std::shared_ptr<backend::Backend>& to, const gp::Regression& regression)
      : model_(regression.model()),
        points_(move(to, *regression.backend(), model_.points)),
        theta_(move(to, *regression.backend(), model_.theta)),
        inverse_(move(to, *regression.backend(), model_.inverse_factor)),
        weights_(move(to, *regression.backend(), model_.weights)) {}

  [[nodiscard]] backend::Model model() const {
    backend::Model out = model_;
    out.points.data = points_.data();
    out.theta.data = theta_.data();
    out.inverse_factor.data = inverse_.data();
    out.weights.data = weights_.data();
    return out;
  }

 private:
  static backend::Buffer<double> move(const std::shared_ptr<backend::Backend>& to, backend::Backend& from,
                                      const backend::ConstMatrix& view) {
    std::vector<double> host(static_cast<std::size_t>((view.columns - 1) * view.leading + view.rows));
    from.download(host.data(), view.data, host.size() * sizeof(double));
    return upload(to, host);
  }
  backend::Model model_;
  backend::Buffer<double> points_, theta_, inverse_, weights_;
};

}  // namespace warpbo::bench
