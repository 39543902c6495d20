/// From good starting points to local maxima of an acquisition function.
#pragma once

#include "acquisition/search_domain.hpp"
#include "backend/memory.hpp"
#include "base/deadline.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::acquisition {

/// What is climbed: one function for all problems, or one for each.
class Landscape {
 public:
  virtual ~Landscape() = default;
  /// Values and, unless `gradient` is empty, gradients at the first *active queries (all if null). Row a belongs to problem
  /// problems[a], or to problem a where `problems` is empty.
  virtual void run(backend::Backend& backend, const backend::ConstMatrix& queries,
                   backend::VectorView<const std::int32_t> problems, const std::int32_t* active, const backend::Vector& value,
                   const backend::Matrix& gradient) const = 0;
  /// Whether the function depends on the problem.
  [[nodiscard]] virtual bool many() const { return false; }
  /// 1 if large values are wanted, -1 if small ones.
  [[nodiscard]] virtual double sign() const { return 1; }
};

/// An acquisition function, to be maximized.
class Target final : public Landscape {
 public:
  Target(const backend::Model& model, const backend::AcquisitionSpec& acquisition) : model_(model), acquisition_(acquisition) {}
  void run(backend::Backend& backend, const backend::ConstMatrix& queries, backend::VectorView<const std::int32_t> problems,
           const std::int32_t* active, const backend::Vector& value, const backend::Matrix& gradient) const override;

 private:
  backend::Model model_;
  backend::AcquisitionSpec acquisition_;
};

/// Function samples, each to be minimized by the problems that follow it.
class PathTarget final : public Landscape {
 public:
  PathTarget(const backend::PathModel& paths, backend::VectorView<const std::int32_t> paths_of)
      : paths_(paths), paths_of_(paths_of) {}
  void run(backend::Backend& backend, const backend::ConstMatrix& queries, backend::VectorView<const std::int32_t> problems,
           const std::int32_t* active, const backend::Vector& value, const backend::Matrix& gradient) const override;
  [[nodiscard]] bool many() const override { return true; }
  [[nodiscard]] double sign() const override { return -1; }

 private:
  backend::PathModel paths_;
  backend::VectorView<const std::int32_t> paths_of_;
};

struct ClimbOptions {
  int max_rounds = 60;            ///< of L-BFGS
  int discrete_rounds = 12;       ///< sweeps over neighbouring levels
  double value_tolerance = 1e-9;  ///< relative change of the value at which a climb ends
  Deadline deadline;              ///< asked between rounds: what has been reached by then is the result
  /// Row-major boxes, one per start, that continuous and finely stepped columns stay in; empty: the unit cube. They hold the
  /// starts.
  std::vector<double> lower, upper;
};

/// Values at row-major points, times the landscape's sign: larger is better. `problems` as in Landscape::run.
[[nodiscard]] std::vector<double> evaluate(backend::Arena& arena, const Landscape& landscape, std::span<const double> rows,
                                           std::int64_t dimensions, std::span<const std::int32_t> problems = {});

/// Points (row-major) and their values, times the landscape's sign.
struct Climbed {
  std::vector<double> rows;
  std::vector<double> values;
};

/// Climbs from all `starts` (row-major, snapped; start p is problem p) at once and returns snapped points with their exact
/// values, in the order of the starts: for every start the best of what was met on the way, the start included. Continuous
/// columns move by L-BFGS; a column with few levels, or categorical, is searched by trying its levels; a column with many
/// levels moves by L-BFGS as if it were continuous and then level by level, every candidate being evaluated where it really
/// lies. Linear constraints enter as a penalty, and what ends outside is pulled back towards its start.
[[nodiscard]] Climbed climb_each(backend::Arena& arena, const SearchDomain& domain, const Landscape& landscape,
                                 std::span<const double> starts, const ClimbOptions& options);

/// The same, best first.
[[nodiscard]] Climbed climb(backend::Arena& arena, const SearchDomain& domain, const Landscape& landscape,
                            std::span<const double> starts, const ClimbOptions& options);

}  // namespace warpbo::acquisition
