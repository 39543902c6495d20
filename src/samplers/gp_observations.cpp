#include "samplers/gp_observations.hpp"

#include "math/philox.hpp"
#include "samplers/proposals.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <unordered_map>

namespace warpbo::samplers {

namespace {

std::uint64_t key(std::span<const double> row) {
  std::uint64_t hash = 0;
  for (const double value : row) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    hash = math::mix64(hash ^ bits);
  }
  return hash;
}

/// What is known about one distinct point.
struct Merged {
  double mean = 0;
  std::int64_t successes = 0;
  std::int64_t failures = 0;
};

/// Mean without overflow.
void add_value(Merged& point, double value) {
  ++point.successes;
  const double share = 1 / static_cast<double>(point.successes);
  point.mean = point.mean * (1 - share) + value * share;
}

Observations select(const Observations& all, const std::vector<std::size_t>& which, std::size_t d) {
  Observations out;
  for (const std::size_t i : which) {
    const auto begin = all.rows.begin() + static_cast<std::ptrdiff_t>(i * d);
    out.rows.insert(out.rows.end(), begin, begin + static_cast<std::ptrdiff_t>(d));
    out.values.push_back(all.values[i]);
    out.imputed.push_back(all.imputed[i]);
    if (!all.noise_weights.empty()) out.noise_weights.push_back(all.noise_weights[i]);
    if (all.imputed[i] == 0) ++out.successes;
  }
  return out;
}

}  // namespace

Observations observe(const space::Encoder& encoder, std::span<const Trial> finished, Direction direction) {
  const std::size_t d = encoder.dimensions();
  const EncodedTrials encoded = encode_trials(encoder, finished);
  Observations out;
  std::vector<Merged> merged;
  std::unordered_map<std::uint64_t, std::size_t> index;
  for (std::size_t i = 0; i < encoded.trials.size(); ++i) {
    const Trial& trial = *encoded.trials[i];
    const std::span<const double> row = encoded.row(i, d);
    const bool complete = trial.state == TrialState::complete && trial.value && !std::isnan(*trial.value);
    if (!complete && trial.state != TrialState::failed) continue;
    const auto [at, fresh] = index.try_emplace(key(row), merged.size());
    if (fresh) {
      merged.emplace_back();
      out.rows.insert(out.rows.end(), row.begin(), row.end());
    }
    Merged& point = merged[at->second];
    const double value = complete ? (direction == Direction::minimize ? *trial.value : -*trial.value) : INFINITY;
    if (std::isfinite(value))
      add_value(point, value);
    else
      ++point.failures;
  }
  double worst = -INFINITY;
  for (const Merged& point : merged)
    if (point.successes > 0) worst = std::max(worst, point.mean);
  const bool repeated = std::any_of(merged.begin(), merged.end(), [](const Merged& point) { return point.successes > 1; });
  for (std::size_t i = 0; i < merged.size(); ++i) {
    const Merged& point = merged[i];
    const bool observed = point.successes > 0;
    out.values.push_back(observed ? point.mean : worst);
    out.imputed.push_back(observed ? 0 : 1);
    if (repeated) out.noise_weights.push_back(1 / static_cast<double>(std::max<std::int64_t>(point.successes, 1)));
    if (observed) ++out.successes;
    const auto begin = out.rows.begin() + static_cast<std::ptrdiff_t>(i * d);
    if (point.failures > 0) out.failed_rows.insert(out.failed_rows.end(), begin, begin + static_cast<std::ptrdiff_t>(d));
  }
  return out;
}

Observations first_points(const Observations& all, std::int64_t count, std::int64_t dimensions) {
  std::vector<std::size_t> which(static_cast<std::size_t>(std::min(count, all.size())));
  std::iota(which.begin(), which.end(), std::size_t{0});
  return select(all, which, static_cast<std::size_t>(dimensions));
}

Observations best_and_latest(const Observations& all, std::int64_t count, std::int64_t dimensions) {
  std::vector<std::size_t> order(static_cast<std::size_t>(all.size()));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return all.values[a] < all.values[b]; });
  const auto best = static_cast<std::size_t>(count / 2);
  std::sort(order.begin() + static_cast<std::ptrdiff_t>(best), order.end(), std::greater<>());
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  return select(all, order, static_cast<std::size_t>(dimensions));
}

Observations latest_with_best(const Observations& all, std::int64_t count, std::int64_t block, std::int64_t dimensions) {
  block = std::max<std::int64_t>(block, 1);
  const std::int64_t complete = all.size() / block * block;
  Observations out = best_and_latest(first_points(all, complete, dimensions), count - block, dimensions);
  std::vector<std::size_t> rest(static_cast<std::size_t>(all.size() - complete));
  std::iota(rest.begin(), rest.end(), static_cast<std::size_t>(complete));
  const Observations latest = select(all, rest, static_cast<std::size_t>(dimensions));
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  append(out.rows, latest.rows);
  append(out.values, latest.values);
  append(out.imputed, latest.imputed);
  append(out.noise_weights, latest.noise_weights);
  out.successes += latest.successes;
  return out;
}

}  // namespace warpbo::samplers
