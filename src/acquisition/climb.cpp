#include "acquisition/climb.hpp"

#include "acquisition/discrete_search.hpp"
#include "optimize/multi_start.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace warpbo::acquisition {

namespace {

using backend::Arena;
using backend::Matrix;

/// A column with at least this many levels is worth relaxing.
constexpr std::int64_t kRelaxedLevels = 12;

bool relaxed(const DomainColumn& column) {
  return column.continuous || (!column.categorical && column.levels >= kRelaxedLevels);
}

/// Boxes around every start: the range in movable relaxed columns, a point elsewhere.
struct Boxes {
  std::vector<double> lower, upper;
  bool any = false;
};

Boxes boxes(const SearchDomain& domain, std::span<const double> starts, const ClimbOptions& options) {
  const std::size_t d = domain.columns().size();
  Boxes out{std::vector<double>(starts.begin(), starts.end()), std::vector<double>(starts.begin(), starts.end()), false};
  std::vector<unsigned char> movable(d);
  for (std::size_t at = 0; at + d <= starts.size(); at += d) {
    domain.movable(starts.subspan(at, d), movable);
    for (std::size_t c = 0; c < d; ++c) {
      if (movable[c] == 0 || !relaxed(domain.columns()[c])) continue;
      const auto [low, high] = domain.range(c);
      out.lower[at + c] = options.lower.empty() ? low : std::max(low, options.lower[at + c]);
      out.upper[at + c] = options.upper.empty() ? high : std::min(high, options.upper[at + c]);
      out.any = true;
    }
  }
  return out;
}

/// value -= weight * violation (a negative weight where small values are wanted), and its gradient, on the host: constraints
/// are few and so are the points that climb.
void penalize(backend::Backend& backend, const SearchDomain& domain, double weight, const backend::ConstMatrix& queries,
              const std::int32_t* active, const backend::Vector& value, const Matrix& gradient) {
  const std::int64_t d = queries.columns, p = queries.rows;
  std::int32_t count = 0;
  backend.download(&count, active, sizeof count);
  std::vector<double> x(static_cast<std::size_t>(p * d)), g(x.size()), v(static_cast<std::size_t>(p));
  backend.download(x.data(), queries.data, x.size() * sizeof(double));
  backend.download(g.data(), gradient.data, g.size() * sizeof(double));
  backend.download(v.data(), value.data, v.size() * sizeof(double));
  std::vector<double> row(static_cast<std::size_t>(d)), slope(row.size());
  for (std::int64_t a = 0; a < count; ++a) {
    for (std::int64_t c = 0; c < d; ++c) row[static_cast<std::size_t>(c)] = x[static_cast<std::size_t>(a + c * p)];
    std::fill(slope.begin(), slope.end(), 0.0);
    v[static_cast<std::size_t>(a)] -= weight * domain.violation(row, slope);
    for (std::int64_t c = 0; c < d; ++c) g[static_cast<std::size_t>(a + c * p)] -= weight * slope[static_cast<std::size_t>(c)];
  }
  backend.upload(gradient.data, g.data(), g.size() * sizeof(double));
  backend.upload(value.data, v.data(), v.size() * sizeof(double));
}

std::vector<double> ascend(Arena& arena, const SearchDomain& domain, const Landscape& landscape, std::span<const double> starts,
                           const Boxes& box, const ClimbOptions& options) {
  const auto d = static_cast<std::int64_t>(domain.columns().size());
  optimize::MultiStartOptions search;
  search.maximize = landscape.sign() > 0;
  search.max_rounds = options.max_rounds;
  search.gradient_tolerance = 1e-5;
  search.value_tolerance = options.value_tolerance;
  if (options.deadline.limited()) search.stop = [&options] { return options.deadline.passed(); };
  // The functions of a landscape with many stay with their rows, one row per problem.
  const std::int64_t problems = static_cast<std::int64_t>(starts.size()) / std::max<std::int64_t>(d, 1);
  if (!landscape.many()) search.trials = optimize::affordable_trials(arena.backend().traits().free_rows, problems);
  const backend::Arena::Scope scope(arena);
  search.indices = arena.vector<std::int32_t>(problems);
  std::vector<double> at(starts.begin(), starts.end());
  // A penalty that grows brings the maximum to the boundary from outside without stiffness at the beginning.
  const std::vector<double> weights = domain.constrained() ? std::vector<double>{1e2, 1e4, 1e6} : std::vector<double>{0};
  for (const double weight : weights) {
    const auto objective = [&](backend::ConstMatrix queries, const std::int32_t* active, backend::Vector value,
                               Matrix gradient) {
      landscape.run(arena.backend(), queries, search.indices, active, value, gradient);
      if (weight > 0) penalize(arena.backend(), domain, landscape.sign() * weight, queries, active, value, gradient);
    };
    optimize::MultiStartResult found = optimize::multi_start(arena, d, at, box.lower, box.upper, objective, search);
    for (std::size_t p = 0; p < found.values.size(); ++p) {
      if (!std::isfinite(found.values[p])) continue;
      std::copy_n(found.points.begin() + static_cast<std::ptrdiff_t>(p) * d, d,
                  at.begin() + static_cast<std::ptrdiff_t>(p) * d);
    }
  }
  return at;
}

/// Snaps a climbed point; if that is infeasible, the farthest feasible point found on the way back to its feasible start.
void snap_feasible(const SearchDomain& domain, std::span<const double> start, std::span<double> row) {
  const std::vector<double> end(row.begin(), row.end());
  domain.snap(row);
  if (domain.feasible(row)) return;
  double inside = 0, outside = 1;
  std::vector<double> best(start.begin(), start.end()), tried(row.size());
  for (int i = 0; i < 40; ++i) {
    const double t = 0.5 * (inside + outside);
    for (std::size_t c = 0; c < row.size(); ++c) tried[c] = start[c] + t * (end[c] - start[c]);
    domain.snap(tried);
    if (domain.feasible(tried)) {
      inside = t;
      best = tried;
    } else {
      outside = t;
    }
  }
  std::copy(best.begin(), best.end(), row.begin());
}

void replace_where_better(Climbed& best, const std::vector<double>& rows, const std::vector<double>& values, std::size_t d) {
  for (std::size_t p = 0; p < values.size(); ++p) {
    if (!(values[p] > best.values[p])) continue;
    best.values[p] = values[p];
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(p * d), d, best.rows.begin() + static_cast<std::ptrdiff_t>(p * d));
  }
}

Climbed sorted(const Climbed& from, std::size_t d) {
  std::vector<std::size_t> order(from.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return from.values[a] > from.values[b]; });
  Climbed out;
  for (const std::size_t p : order) {
    out.values.push_back(from.values[p]);
    const auto begin = from.rows.begin() + static_cast<std::ptrdiff_t>(p * d);
    out.rows.insert(out.rows.end(), begin, begin + static_cast<std::ptrdiff_t>(d));
  }
  return out;
}

}  // namespace

void Target::run(backend::Backend& backend, const backend::ConstMatrix& queries, backend::VectorView<const std::int32_t>,
                 const std::int32_t* active, const backend::Vector& value, const Matrix& gradient) const {
  backend.run(backend::Acquisition{model_, acquisition_, queries, active, value, gradient});
}

void PathTarget::run(backend::Backend& backend, const backend::ConstMatrix& queries,
                     backend::VectorView<const std::int32_t> problems, const std::int32_t* active, const backend::Vector& value,
                     const Matrix& gradient) const {
  backend.run(backend::Paths{paths_, paths_of_, problems, queries, active, value, gradient});
}

std::vector<double> evaluate(Arena& arena, const Landscape& landscape, std::span<const double> rows, std::int64_t dimensions,
                             std::span<const std::int32_t> problems) {
  const std::int64_t m = static_cast<std::int64_t>(rows.size()) / dimensions;
  std::vector<double> values(static_cast<std::size_t>(m));
  if (m == 0) return values;
  Arena::Scope scope(arena);
  backend::Backend& backend = arena.backend();
  const Matrix queries = arena.matrix(m, dimensions);
  const std::vector<double> columns = optimize::transposed(rows, m, dimensions);
  backend.upload(queries.data, columns.data(), columns.size() * sizeof(double));
  const auto owners = arena.vector<std::int32_t>(static_cast<std::int64_t>(problems.size()));
  if (!problems.empty()) backend.upload(owners.data, problems.data(), problems.size_bytes());
  const backend::Vector value = arena.vector<double>(m);
  landscape.run(backend, queries, owners, nullptr, value, {});
  backend.download(values.data(), value.data, values.size() * sizeof(double));
  for (double& v : values) v = std::isnan(v) ? -INFINITY : landscape.sign() * v;
  return values;
}

Climbed climb_each(Arena& arena, const SearchDomain& domain, const Landscape& landscape, std::span<const double> starts,
                   const ClimbOptions& options) {
  const std::size_t d = domain.columns().size();
  const auto dimensions = static_cast<std::int64_t>(d);
  const bool discrete =
      std::any_of(domain.columns().begin(), domain.columns().end(), [](const DomainColumn& c) { return !c.continuous; });
  Climbed best{std::vector<double>(starts.begin(), starts.end()), evaluate(arena, landscape, starts, dimensions)};
  // Continuous and discrete moves alternate; with only one kind, once is enough.
  for (int round = 0; round < (discrete ? 3 : 1); ++round) {
    const std::vector<double> before = best.values;
    const Boxes box = boxes(domain, best.rows, options);
    if (box.any) {
      std::vector<double> rows = ascend(arena, domain, landscape, best.rows, box, options);
      for (std::size_t at = 0; at < rows.size(); at += d)
        snap_feasible(domain, std::span(best.rows).subspan(at, d), std::span(rows).subspan(at, d));
      const std::vector<double> values = evaluate(arena, landscape, rows, dimensions);
      if (discrete) {
        // A relaxed maximum between two levels may lie in the basin of a better one than the start did: search from both.
        Climbed moved{rows, values};
        search_levels(arena, domain, landscape, options.discrete_rounds, moved);
        replace_where_better(best, moved.rows, moved.values, d);
      } else {
        replace_where_better(best, rows, values, d);
      }
    }
    if (discrete) search_levels(arena, domain, landscape, options.discrete_rounds, best);
    const bool improved = !std::equal(before.begin(), before.end(), best.values.begin(),
                                      [](double a, double b) { return !(b > a + 1e-9 * std::fabs(a)); });
    if (!improved || options.deadline.passed()) break;
  }
  return best;
}

Climbed climb(Arena& arena, const SearchDomain& domain, const Landscape& landscape, std::span<const double> starts,
              const ClimbOptions& options) {
  return sorted(climb_each(arena, domain, landscape, starts, options), domain.columns().size());
}

}  // namespace warpbo::acquisition
