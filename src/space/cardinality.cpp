#include "space/cardinality.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace warpbo::space {

namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 62;
constexpr std::int64_t kSteps = 1'000'000;

/// a * b and a + b, or kLargest + 1 if the result passes kLargest.
std::int64_t product(std::int64_t a, std::int64_t b) { return b != 0 && a > kLargest / b ? kLargest + 1 : a * b; }
std::int64_t sum(std::int64_t a, std::int64_t b) {
  return std::min(a + std::min(b, kLargest + 1 - std::min(a, kLargest)), kLargest + 1);
}

/// Counts the joint values of parameters that depend on one another, by trying every class of values of each parent: values
/// that no condition tells apart form a class.
class Counter {
 public:
  Counter(const Compiled& compiled, std::vector<std::size_t> group)
      : compiled_(compiled), group_(std::move(group)), chosen_(compiled.specs().size(), -1) {
    for (const std::size_t p : group_) cuts_.push_back(cuts_of(p));
  }

  /// Nothing when it takes too long.
  std::optional<std::int64_t> count() {
    const std::int64_t total = count_from(0);
    return steps_ > kSteps ? std::nullopt : std::optional(total);
  }

 private:
  /// Where the classes of a parent's levels begin.
  std::vector<std::int64_t> cuts_of(std::size_t parent) const {
    std::set<std::int64_t> cuts{0};
    for (const std::size_t child : group_)
      for (const Term& term : compiled_.conditions()[child]) {
        if (term.parameter != parent) continue;
        for (const auto& [from, to] : term.levels) {
          cuts.insert(from);
          if (to + 1 < compiled_.domains()[parent].levels()) cuts.insert(to + 1);
        }
      }
    return {cuts.begin(), cuts.end()};
  }

  std::int64_t count_from(std::size_t position) {
    if (position == group_.size() || ++steps_ > kSteps) return 1;
    const std::size_t p = group_[position];
    const bool exists = std::all_of(compiled_.conditions()[p].begin(), compiled_.conditions()[p].end(), [&](const Term& term) {
      return chosen_[term.parameter] >= 0 && term.accepts(chosen_[term.parameter]);
    });
    if (!exists) {
      chosen_[p] = -1;
      return count_from(position + 1);
    }
    const std::vector<std::int64_t>& cuts = cuts_[position];
    std::int64_t total = 0;
    for (std::size_t i = 0; i < cuts.size() && steps_ <= kSteps; ++i) {
      const std::int64_t end = i + 1 < cuts.size() ? cuts[i + 1] : compiled_.domains()[p].levels();
      chosen_[p] = cuts[i];
      total = sum(total, product(end - cuts[i], count_from(position + 1)));
    }
    return total;
  }

  const Compiled& compiled_;
  std::vector<std::size_t> group_;
  std::vector<std::vector<std::int64_t>> cuts_;
  std::vector<std::int64_t> chosen_;  // the representative level of each parameter; -1 if absent
  std::int64_t steps_ = 0;
};

}  // namespace

std::optional<std::int64_t> count_points(const Compiled& compiled) {
  const std::size_t size = compiled.specs().size();
  if (std::any_of(compiled.domains().begin(), compiled.domains().end(),
                  [](const Domain& domain) { return domain.continuous(); }))
    return std::nullopt;
  // Union-find by condition: groups count independently and multiply.
  std::vector<std::size_t> root(size);
  std::iota(root.begin(), root.end(), std::size_t{0});
  const auto find = [&](std::size_t p) {
    while (root[p] != p) p = root[p] = root[root[p]];
    return p;
  };
  for (std::size_t p = 0; p < size; ++p)
    for (const Term& term : compiled.conditions()[p]) root[find(p)] = find(term.parameter);
  std::vector<std::vector<std::size_t>> groups(size);
  for (std::size_t p = 0; p < size; ++p) groups[find(p)].push_back(p);
  std::int64_t total = 1;
  for (std::vector<std::size_t>& group : groups) {
    if (group.empty()) continue;
    const auto count = Counter(compiled, std::move(group)).count();
    if (!count) return std::nullopt;
    total = product(total, *count);
    if (total > kLargest) return std::nullopt;
  }
  return total;
}

}  // namespace warpbo::space
