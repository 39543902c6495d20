#include "acquisition/discrete_search.hpp"

#include "math/philox.hpp"

#include <algorithm>
#include <cstdint>

namespace warpbo::acquisition {

namespace {

constexpr std::int64_t kTryAll = 24;
/// Coordinates of neighbours that are evaluated together: 32 MB.
constexpr std::size_t kMostNumbers = std::size_t{4} << 20;

/// Levels to try for one column that stands at `level`.
std::vector<std::int64_t> neighbours(const DomainColumn& column, std::int64_t level, std::uint64_t salt) {
  std::vector<std::int64_t> out;
  if (column.levels <= kTryAll) {
    for (std::int64_t other = 0; other < column.levels; ++other)
      if (other != level) out.push_back(other);
  } else if (column.categorical) {
    math::PhiloxSequence random{salt, 2, static_cast<std::uint64_t>(level), 0};
    for (std::int64_t i = 0; i < kTryAll; ++i)
      out.push_back(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(column.levels))));
  } else {
    for (std::int64_t step = 1; step < column.levels && step <= column.levels / 2; step *= 2) {
      if (level >= step) out.push_back(level - step);
      if (level < column.levels - step) out.push_back(level + step);
    }
  }
  return out;
}

/// Appends all admissible neighbours of `row`; returns how many.
std::size_t append_neighbours(const SearchDomain& domain, std::span<const double> row, std::uint64_t salt,
                              std::vector<double>& out) {
  const std::size_t d = row.size();
  std::vector<unsigned char> movable(d);
  domain.movable(row, movable);
  std::size_t count = 0;
  for (std::size_t c = 0; c < d; ++c) {
    const DomainColumn& column = domain.columns()[c];
    if (column.continuous || movable[c] == 0) continue;
    for (const std::int64_t level : neighbours(column, domain.nearest_level(c, row[c]), salt)) {
      std::vector<double> moved(row.begin(), row.end());
      moved[c] = domain.level_value(c, level);
      domain.snap(moved);
      if (!domain.admissible(moved)) continue;
      out.insert(out.end(), moved.begin(), moved.end());
      ++count;
    }
  }
  return count;
}

}  // namespace

void search_levels(backend::Arena& arena, const SearchDomain& domain, const Landscape& landscape, int rounds, Climbed& points) {
  const std::size_t d = domain.columns().size();
  std::vector<std::size_t> searching(points.values.size());
  for (std::size_t p = 0; p < searching.size(); ++p) searching[p] = p;
  for (int round = 0; round < rounds && !searching.empty(); ++round) {
    std::vector<std::size_t> improved;
    std::vector<double> rows;
    std::vector<std::int32_t> problems;  // of each row: the rows of a point lie together
    const auto move_to_best = [&] {
      const std::vector<double> values = evaluate(arena, landscape, rows, static_cast<std::int64_t>(d), problems);
      for (std::size_t first = 0, end = 0; first < problems.size(); first = end) {
        while (end < problems.size() && problems[end] == problems[first]) ++end;
        const auto best = std::max_element(values.begin() + static_cast<std::ptrdiff_t>(first),
                                           values.begin() + static_cast<std::ptrdiff_t>(end));
        const auto p = static_cast<std::size_t>(problems[first]);
        if (!(*best > points.values[p])) continue;
        points.values[p] = *best;
        std::copy_n(rows.begin() + (best - values.begin()) * static_cast<std::ptrdiff_t>(d), d,
                    points.rows.begin() + static_cast<std::ptrdiff_t>(p * d));
        improved.push_back(p);
      }
      rows.clear();
      problems.clear();
    };
    for (const std::size_t p : searching) {
      const std::size_t count = append_neighbours(domain, std::span(points.rows).subspan(p * d, d),
                                                  math::mix64(static_cast<std::uint64_t>(round) << 32 | p), rows);
      problems.insert(problems.end(), count, static_cast<std::int32_t>(p));
      if (rows.size() > kMostNumbers) move_to_best();
    }
    move_to_best();
    searching = std::move(improved);
  }
}

}  // namespace warpbo::acquisition
