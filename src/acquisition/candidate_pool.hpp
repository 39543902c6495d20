/// The scored candidates of a batch: their posterior moments, kept up to date as points are picked.
#pragma once

#include "acquisition/fantasy_model.hpp"
#include "acquisition/search_domain.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::acquisition {

class CandidatePool {
 public:
  /// Moments of `rows` (row-major) under `fantasies`; `picks` more points will be added to that model.
  CandidatePool(const gp::Regression& regression, const FantasyModel& fantasies, std::span<const double> rows,
                std::int64_t picks);

  /// Takes in the point that was added to `fantasies` last.
  void extend(const FantasyModel& fantasies);

  /// Acquisition values of all candidates; NaN counts as -infinity.
  [[nodiscard]] std::vector<double> score(const backend::AcquisitionSpec& acquisition) const;

  /// One draw per candidate from its own posterior, negated: larger is better.
  [[nodiscard]] std::vector<double> draw(std::uint64_t seed) const;

  [[nodiscard]] std::span<const double> row(std::size_t index) const {
    return std::span(rows_).subspan(index * static_cast<std::size_t>(dimensions_), static_cast<std::size_t>(dimensions_));
  }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(count_); }

 private:
  void compute(const FantasyModel& fantasies);

  const gp::Regression& regression_;
  backend::Backend& backend_;
  std::vector<double> rows_;
  std::int64_t dimensions_, count_, capacity_, samples_ = 0;
  backend::Buffer<double> points_, whitened_, mean_, variance_, value_;
};

}  // namespace warpbo::acquisition
