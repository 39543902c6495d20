/// A fitted model on the device beside its reference, for the tests of posterior and acquisition.
#pragma once

#include "backend/fixture.hpp"

namespace warpbo::backend::testing {

class FittedModel {
 public:
  /// `samples` columns of weights: the targets, then shifted copies of them.
  FittedModel(std::shared_ptr<Backend> backend, const Problem& problem, std::int64_t samples, double mean, double outputscale);

  [[nodiscard]] Model model() const;
  [[nodiscard]] const Problem& problem() const { return problem_; }

  struct Moments {
    std::vector<long double> mean;
    long double variance = 0;
  };
  /// At row `row` of `queries`.
  [[nodiscard]] Moments moments(const HostMatrix& queries, std::int64_t row) const;
  [[nodiscard]] const LongMatrix& factor() const { return factor_; }
  [[nodiscard]] const LongMatrix& inverse() const { return inverse_; }
  [[nodiscard]] const LongMatrix& weights() const { return weights_; }
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] double outputscale() const { return outputscale_; }
  /// Targets of sample s.
  [[nodiscard]] double target(std::int64_t i, std::int64_t s) const {
    return problem_.targets(i, 0) + 0.1 * static_cast<double>(s);
  }

 private:
  Problem problem_;
  double mean_, outputscale_;
  LongMatrix factor_, inverse_, weights_;
  Guarded points_, theta_, device_inverse_, device_weights_;
  Buffer<std::uint8_t> categorical_;
};

/// Random queries of the problem's kind; the first is a point of the data.
HostMatrix random_queries(const Problem& problem, std::int64_t m, std::uint64_t seed);

}  // namespace warpbo::backend::testing
