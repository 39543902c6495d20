#include "space/simplex.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::space {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kPivot = 1e-11;  // smaller elements of the tableau count as rounding errors

class Tableau {
 public:
  explicit Tableau(const LinearProgram& program)
      : rows_(program.rows()),
        columns_(program.variables + program.rows()),
        table_(rows_ * columns_),
        basis_(rows_),
        position_(columns_, kNonbasic),
        low_(columns_, 0.0),
        high_(columns_, kInfinity),
        value_(columns_) {
    // Variables at their lower bounds, one slack variable per row in the basis.
    for (std::size_t j = 0; j < program.variables; ++j) {
      low_[j] = value_[j] = program.lower[j];
      high_[j] = program.upper[j];
    }
    for (std::size_t i = 0; i < rows_; ++i) {
      const std::size_t slack = program.variables + i;
      double sum = program.bound[i];
      for (std::size_t j = 0; j < program.variables; ++j) {
        at(i, j) = program.matrix[i * program.variables + j];
        sum -= at(i, j) * value_[j];
      }
      at(i, slack) = 1;
      basis_[i] = slack;
      position_[slack] = i;
      value_[slack] = sum;
    }
  }

  [[nodiscard]] double value(std::size_t variable) const { return value_[variable]; }

  bool reach_feasibility() {
    return run(
        [this](std::size_t j) {
          double gain = 0;  // how fast the sum of infeasibilities falls when variable j grows
          for (std::size_t i = 0; i < rows_; ++i) gain += static_cast<double>(side(i)) * at(i, j);
          return gain;
        },
        true);
  }

  void maximize(std::span<const double> objective) {
    const auto cost = [&](std::size_t j) { return j < objective.size() ? objective[j] : 0.0; };
    run(
        [&](std::size_t j) {
          double gain = cost(j);
          for (std::size_t i = 0; i < rows_; ++i) gain -= cost(basis_[i]) * at(i, j);
          return gain;
        },
        false);
  }

 private:
  static constexpr std::size_t kNonbasic = std::numeric_limits<std::size_t>::max();

  double& at(std::size_t row, std::size_t column) { return table_[row * columns_ + column]; }

  /// +1 if the basic variable of a row is above its bounds, -1 below, 0 inside. Growing x_j moves it by -at(i, j).
  int side(std::size_t row) const {
    const std::size_t b = basis_[row];
    return value_[b] > high_[b] + kSimplexTolerance ? 1 : value_[b] < low_[b] - kSimplexTolerance ? -1 : 0;
  }

  bool feasible() const {
    for (std::size_t i = 0; i < rows_; ++i)
      if (side(i) != 0) return false;
    return true;
  }

  /// Steps until no nonbasic variable gains. In phase 1, until feasible; true if that was reached.
  template <class Gain>
  bool run(const Gain& gain, bool until_feasible) {
    const std::size_t patience = 10 * (rows_ + columns_);
    for (std::size_t step = 0; step < 5 * patience + 100; ++step) {
      if (until_feasible && feasible()) return true;
      // The steepest variable at first; later the first one (Bland's rule), which cannot cycle.
      std::size_t entering = kNonbasic;
      double best = 1e-12;
      double direction = 1;
      for (std::size_t j = 0; j < columns_; ++j) {
        if (position_[j] != kNonbasic || low_[j] == high_[j]) continue;
        const double slope = gain(j);
        const bool up = slope > best && value_[j] < high_[j];
        const bool down = -slope > best && value_[j] > low_[j];
        if (!up && !down) continue;
        entering = j;
        direction = up ? 1 : -1;
        if (step > patience) break;
        best = std::abs(slope);
      }
      if (entering == kNonbasic) break;
      advance(entering, direction);
    }
    return feasible();
  }

  /// How far a basic variable can go at this rate until it meets the bound that stops it.
  double room(std::size_t row, double rate) const {
    const std::size_t b = basis_[row];
    if (std::abs(rate) < kPivot) return kInfinity;
    const int outside = side(row);
    if (rate > 0) return outside > 0 ? kInfinity : std::max(0.0, ((outside < 0 ? low_[b] : high_[b]) - value_[b]) / rate);
    return outside < 0 ? kInfinity : std::max(0.0, ((outside > 0 ? high_[b] : low_[b]) - value_[b]) / rate);
  }

  void advance(std::size_t entering, double direction) {
    double length = high_[entering] - low_[entering];
    std::size_t leaving = kNonbasic;
    for (std::size_t i = 0; i < rows_; ++i) {
      const double limit = room(i, -direction * at(i, entering));
      if (limit > length) continue;
      // Of equal limits the larger pivot is the more accurate one.
      if (limit == length && leaving != kNonbasic && std::abs(at(i, entering)) <= std::abs(at(leaving, entering))) continue;
      length = limit;
      leaving = i;
    }
    if (length == kInfinity) return;
    for (std::size_t i = 0; i < rows_; ++i) value_[basis_[i]] -= direction * length * at(i, entering);
    if (leaving == kNonbasic) {
      value_[entering] = direction > 0 ? high_[entering] : low_[entering];
      return;
    }
    value_[entering] += direction * length;
    const std::size_t b = basis_[leaving];
    // The leaving variable stops at the bound it met.
    value_[b] = high_[b] < kInfinity && std::abs(value_[b] - high_[b]) < std::abs(value_[b] - low_[b]) ? high_[b] : low_[b];
    pivot(leaving, entering);
  }

  void pivot(std::size_t row, std::size_t column) {
    const double inverse = 1 / at(row, column);
    for (std::size_t j = 0; j < columns_; ++j) at(row, j) *= inverse;
    for (std::size_t i = 0; i < rows_; ++i) {
      const double factor = at(i, column);
      if (i == row || factor == 0) continue;
      for (std::size_t j = 0; j < columns_; ++j) at(i, j) -= factor * at(row, j);
    }
    position_[basis_[row]] = kNonbasic;
    basis_[row] = column;
    position_[column] = row;
  }

  std::size_t rows_, columns_;
  std::vector<double> table_;          // basis^-1 * [matrix, identity]
  std::vector<std::size_t> basis_;     // the variable of each row
  std::vector<std::size_t> position_;  // the row of each variable, kNonbasic if it stands at a bound
  std::vector<double> low_, high_, value_;
};

}  // namespace

void LinearProgram::add_row(std::span<const double> coefficients, double limit) {
  double scale = 0;
  for (const double coefficient : coefficients) scale = std::max(scale, std::abs(coefficient));
  const double factor = scale > 0 ? 1 / scale : 1;
  for (const double coefficient : coefficients) matrix.push_back(coefficient * factor);
  bound.push_back(limit * factor);
}

std::optional<std::vector<double>> maximize(const LinearProgram& program, std::span<const double> objective) {
  Tableau tableau(program);
  if (!tableau.reach_feasibility()) return std::nullopt;
  tableau.maximize(objective);
  std::vector<double> point(program.variables);
  for (std::size_t j = 0; j < point.size(); ++j) point[j] = std::clamp(tableau.value(j), program.lower[j], program.upper[j]);
  return point;
}

}  // namespace warpbo::space
