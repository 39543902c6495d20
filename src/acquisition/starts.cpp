#include "acquisition/starts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace warpbo::acquisition {

namespace {

/// Discrete combinations beyond this number are left to the local search over levels.
constexpr std::size_t kMaxCombinations = 24;
/// Candidates are examined in order of their scores up to this rank.
constexpr std::size_t kExamined = 512;

std::vector<std::size_t> ranked(const std::vector<double>& scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto better = [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; };
  std::sort(order.begin(), order.end(), better);
  return order;
}

/// The best candidate of every combination of levels, if there are few; otherwise nothing.
std::vector<std::size_t> best_of_combinations(const SearchDomain& domain, const CandidatePool& pool,
                                              const std::vector<std::size_t>& order) {
  std::vector<std::size_t> discrete;
  for (std::size_t c = 0; c < domain.columns().size(); ++c)
    if (!domain.columns()[c].continuous) discrete.push_back(c);
  if (discrete.empty() || discrete.size() == domain.columns().size()) return {};
  std::map<std::vector<double>, std::size_t> best;
  for (const std::size_t index : order) {
    std::vector<double> key;
    for (const std::size_t c : discrete) key.push_back(pool.row(index)[c]);
    best.try_emplace(std::move(key), index);
    if (best.size() > kMaxCombinations) return {};
  }
  std::vector<std::size_t> out;
  for (const auto& [key, index] : best) out.push_back(index);
  return out;
}

double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

}  // namespace

std::vector<double> choose_starts(const SearchDomain& domain, const CandidatePool& pool, const std::vector<double>& scores,
                                  int count) {
  const std::vector<std::size_t> order = ranked(scores);
  std::vector<std::size_t> chosen = best_of_combinations(domain, pool, order);
  // A start must be this far (root mean square per column) from the others; the demand is halved until enough are found.
  const std::size_t wanted = chosen.size() + static_cast<std::size_t>(count);
  for (double apart = 0.1; chosen.size() < wanted && apart > 1e-4; apart /= 4) {
    for (std::size_t rank = 0; rank < std::min(order.size(), kExamined) && chosen.size() < wanted; ++rank) {
      const std::size_t index = order[rank];
      if (!std::isfinite(scores[index])) continue;
      const bool far = std::all_of(chosen.begin(), chosen.end(),
                                   [&](std::size_t other) { return distance(pool.row(index), pool.row(other)) >= apart; });
      if (far) chosen.push_back(index);
    }
  }
  if (chosen.empty() && !order.empty()) chosen.push_back(order.front());
  std::vector<double> rows;
  for (const std::size_t index : chosen) rows.insert(rows.end(), pool.row(index).begin(), pool.row(index).end());
  return rows;
}

}  // namespace warpbo::acquisition
