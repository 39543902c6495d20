/// A box of the search space, as the acquisition layer sees it.
#pragma once

#include "acquisition/search_domain.hpp"

#include <utility>
#include <vector>

namespace warpbo::samplers {

/// The points of `domain` in a box around a centre. Numeric columns are bounded, and a column with levels keeps at least the
/// neighbours of the centre's level; categories stay free, as do columns that do not exist at the centre. Samples move about
/// twenty coordinates away from the centre at a time.
///
/// A finite space is still listed as a whole (`remaining`): where all points can be scored, a box would only hide some.
class TrustRegionDomain final : public acquisition::SearchDomain {
 public:
  /// `centre` is a snapped row; `half_widths` has one entry per column. Keeps a reference to `domain`.
  TrustRegionDomain(acquisition::SearchDomain& domain, std::vector<double> centre, const std::vector<double>& half_widths);

  [[nodiscard]] const std::vector<double>& centre() const noexcept { return centre_; }

  [[nodiscard]] const std::vector<acquisition::DomainColumn>& columns() const override { return domain_.columns(); }
  [[nodiscard]] std::pair<double, double> range(std::size_t column) const override { return ranges_[column]; }
  [[nodiscard]] double level_value(std::size_t column, std::int64_t level) const override {
    return domain_.level_value(column, level);
  }
  [[nodiscard]] std::int64_t nearest_level(std::size_t column, double value) const override {
    return domain_.nearest_level(column, value);
  }
  void movable(std::span<const double> row, std::span<unsigned char> movable) const override { domain_.movable(row, movable); }
  void snap(std::span<double> row) const override;
  [[nodiscard]] bool admissible(std::span<const double> row) const override { return domain_.admissible(row); }
  [[nodiscard]] bool feasible(std::span<const double> row) const override { return domain_.feasible(row); }
  void exclude(std::span<const double> row) override { domain_.exclude(row); }
  bool sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const override;
  [[nodiscard]] bool constrained() const override { return domain_.constrained(); }
  double violation(std::span<const double> row, std::span<double> gradient) const override {
    return domain_.violation(row, gradient);
  }
  [[nodiscard]] Remaining remaining(std::int64_t limit) const override { return domain_.remaining(limit); }

 private:
  acquisition::SearchDomain& domain_;
  std::vector<double> centre_;
  std::vector<std::pair<double, double>> ranges_;
};

}  // namespace warpbo::samplers
