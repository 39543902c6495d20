/// A search domain for tests: columns in the unit cube, optional levels, an optional linear constraint sum(x) <= limit.
#pragma once

#include "acquisition/search_domain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace warpbo::acquisition {

class BoxDomain final : public SearchDomain {
 public:
  explicit BoxDomain(std::vector<DomainColumn> columns, double limit = std::numeric_limits<double>::infinity())
      : columns_(std::move(columns)), limit_(limit) {}
  static BoxDomain continuous(std::size_t d, double limit = std::numeric_limits<double>::infinity()) {
    return BoxDomain(std::vector<DomainColumn>(d), limit);
  }

  [[nodiscard]] const std::vector<DomainColumn>& columns() const override { return columns_; }
  [[nodiscard]] double level_value(std::size_t column, std::int64_t level) const override {
    const DomainColumn& info = columns_[column];
    return info.categorical ? static_cast<double>(level) : static_cast<double>(level) / static_cast<double>(info.levels - 1);
  }
  [[nodiscard]] std::int64_t nearest_level(std::size_t column, double value) const override {
    const DomainColumn& info = columns_[column];
    const double scaled = info.categorical ? value : value * static_cast<double>(info.levels - 1);
    return std::clamp<std::int64_t>(std::llround(scaled), 0, info.levels - 1);
  }
  void movable(std::span<const double>, std::span<unsigned char> movable) const override {
    std::fill(movable.begin(), movable.end(), static_cast<unsigned char>(1));
  }
  void snap(std::span<double> row) const override {
    for (std::size_t c = 0; c < row.size(); ++c)
      row[c] = columns_[c].continuous ? std::clamp(row[c], 0.0, 1.0) : level_value(c, nearest_level(c, row[c]));
  }
  [[nodiscard]] bool feasible(std::span<const double> row) const override {
    double sum = 0;
    for (const double v : row) sum += v;
    return sum <= limit_ + 1e-12;
  }
  [[nodiscard]] bool admissible(std::span<const double> row) const override {
    return feasible(row) && !excluded_.contains(std::vector<double>(row.begin(), row.end()));
  }
  void exclude(std::span<const double> row) override { excluded_.emplace(row.begin(), row.end()); }
  bool sample(std::span<const double> uniforms, std::uint64_t, std::span<double> row) const override {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const DomainColumn& info = columns_[c];
      row[c] = info.continuous ? uniforms[c]
                               : level_value(c, static_cast<std::int64_t>(uniforms[c] * static_cast<double>(info.levels)));
    }
    return feasible(row);
  }
  [[nodiscard]] bool constrained() const override { return std::isfinite(limit_); }
  double violation(std::span<const double> row, std::span<double> gradient) const override {
    double sum = 0;
    for (const double v : row) sum += v;
    const double beyond = std::max(sum - limit_, 0.0);
    for (double& g : gradient) g += 2 * beyond;
    return beyond * beyond;
  }
  [[nodiscard]] Remaining remaining(std::int64_t limit) const override {
    Remaining out;
    std::vector<std::vector<double>> rows = {{}};
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].continuous) return {};
      std::vector<std::vector<double>> longer;
      for (const std::vector<double>& row : rows)
        for (std::int64_t level = 0; level < columns_[c].levels; ++level) {
          longer.push_back(row);
          longer.back().push_back(level_value(c, level));
        }
      rows = std::move(longer);
    }
    for (const std::vector<double>& row : rows)
      if (admissible(row)) out.rows.insert(out.rows.end(), row.begin(), row.end());
    out.finite = static_cast<std::int64_t>(out.rows.size() / columns_.size()) <= limit;
    return out;
  }

 private:
  std::vector<DomainColumn> columns_;
  double limit_;
  std::set<std::vector<double>> excluded_;
};

}  // namespace warpbo::acquisition
