/// The set of points among which an acquisition function is maximized, as seen from this layer: columns in encoded form, and
/// the questions that only the search space can answer. Implemented by the samplers over space::Encoder.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace warpbo::acquisition {

struct DomainColumn {
  bool continuous = true;
  bool categorical = false;  ///< no order among the levels
  std::int64_t levels = 0;   ///< of a column that is not continuous
};

class SearchDomain {
 public:
  virtual ~SearchDomain() = default;

  [[nodiscard]] virtual const std::vector<DomainColumn>& columns() const = 0;
  /// Between which values a numeric column may move.
  [[nodiscard]] virtual std::pair<double, double> range([[maybe_unused]] std::size_t column) const { return {0.0, 1.0}; }
  /// The encoded value of a level, and the level nearest to a value.
  [[nodiscard]] virtual double level_value(std::size_t column, std::int64_t level) const = 0;
  [[nodiscard]] virtual std::int64_t nearest_level(std::size_t column, double value) const = 0;

  /// Columns whose value the caller fixed, or that are absent in this point, may not be moved. Sets `movable[c]`.
  virtual void movable(std::span<const double> row, std::span<unsigned char> movable) const = 0;
  /// Moves a point onto admissible values: levels, absent conditionals, fixed parameters.
  virtual void snap(std::span<double> row) const = 0;
  /// Whether a snapped point satisfies the constraints and is neither excluded nor a duplicate.
  [[nodiscard]] virtual bool admissible(std::span<const double> row) const = 0;
  /// Whether a snapped point satisfies the constraints.
  [[nodiscard]] virtual bool feasible(std::span<const double> row) const = 0;
  /// From now on this point is a duplicate.
  virtual void exclude(std::span<const double> row) = 0;
  /// A feasible, snapped point from `columns().size()` uniforms in [0, 1); false when none was found.
  virtual bool sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const = 0;

  [[nodiscard]] virtual bool constrained() const = 0;
  /// Sum of squared constraint violations at a point that need not be snapped; its derivative is added to `gradient`.
  virtual double violation(std::span<const double> row, std::span<double> gradient) const = 0;

  /// Every point that is neither excluded nor infeasible, row-major, if there are at most `limit` of them; otherwise empty and
  /// `finite` false.
  struct Remaining {
    bool finite = false;
    std::vector<double> rows;
  };
  [[nodiscard]] virtual Remaining remaining(std::int64_t limit) const = 0;
};

}  // namespace warpbo::acquisition
