/// The search space as the acquisition layer sees it.
#pragma once

#include "acquisition/search_domain.hpp"
#include "samplers/region.hpp"

#include <unordered_set>

namespace warpbo::samplers {

class GpDomain final : public acquisition::SearchDomain {
 public:
  /// The points of `region`, which must outlive this object.
  explicit GpDomain(const Region& region);

  [[nodiscard]] const Region& region() const noexcept { return region_; }
  [[nodiscard]] const std::vector<acquisition::DomainColumn>& columns() const override { return columns_; }
  [[nodiscard]] double level_value(std::size_t column, std::int64_t level) const override;
  [[nodiscard]] std::int64_t nearest_level(std::size_t column, double value) const override;
  void movable(std::span<const double> row, std::span<unsigned char> movable) const override;
  void snap(std::span<double> row) const override;
  [[nodiscard]] bool admissible(std::span<const double> row) const override;
  [[nodiscard]] bool feasible(std::span<const double> row) const override;
  void exclude(std::span<const double> row) override;
  bool sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const override;
  [[nodiscard]] bool constrained() const override { return region_.encoder().constrained(); }
  double violation(std::span<const double> row, std::span<double> gradient) const override;
  [[nodiscard]] Remaining remaining(std::int64_t limit) const override;
  /// Whether no free parameter is continuous.
  [[nodiscard]] bool finite() const;

 private:
  /// A key that points within 1e-8 of each other mostly share.
  [[nodiscard]] std::uint64_t key(std::span<const double> row) const;
  /// Whether counting through all points may move this column.
  [[nodiscard]] bool counted(std::size_t column) const { return !columns_[column].continuous && !region_.fixed(column); }
  [[nodiscard]] bool few_points(double most) const;

  const Region& region_;
  std::vector<acquisition::DomainColumn> columns_;
  std::unordered_set<std::uint64_t> excluded_;
};

}  // namespace warpbo::samplers
