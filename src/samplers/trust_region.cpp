#include "samplers/trust_region.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace warpbo::samplers {

namespace {

constexpr std::string_view kPrefix = "\"trust/";  // the attribute is a JSON text
constexpr std::string_view kDesign = "design";
constexpr std::size_t kSpreadOf = 64;  // latest values that tell a region's spread

/// Reads a number up to `stop` and moves behind it.
template <typename Number>
bool read(std::string_view& text, char stop, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (error != std::errc{} || used >= text.size() || *end != stop) return false;
  text.remove_prefix(used + 1);
  return true;
}

/// How far the better half of a region's latest values reaches.
double spread(const std::vector<double>& values, double best) {
  std::vector<double> latest(values.end() - static_cast<std::ptrdiff_t>(std::min(kSpreadOf, values.size())), values.end());
  const auto middle = latest.begin() + static_cast<std::ptrdiff_t>(latest.size() / 2);
  std::nth_element(latest.begin(), middle, latest.end());
  return std::isfinite(*middle) ? std::max(*middle - best, 0.0) : 0.0;
}

struct Batch {
  std::int64_t trials = 0;
  double best = std::numeric_limits<double>::infinity();
};

void count(TrustRegion& region, const Batch& batch, bool success, const TrustRegionRules& rules) {
  region.successes = success ? region.successes + 1 : 0;
  region.failures = success ? 0 : region.failures + batch.trials;
  if (region.successes >= rules.successes) {
    region.length = std::min(2 * region.length, rules.max_length);
    region.successes = 0;
  }
  if (region.failures >= rules.failures) {
    region.length /= 2;
    region.failures = 0;
  }
  if (region.length < rules.min_length) region.collapsed = true;
}

/// A region under replay.
struct Replay {
  struct Step {
    std::uint64_t at = 0;  // the trial's number or its batch's beginning
    bool counted = false;
    std::size_t trial = 0;
    [[nodiscard]] bool with(const Step& other) const { return counted && other.counted && at == other.at; }
  };
  TrustRegion region;
  std::vector<Step> steps;

  void run(std::span<const double> values, const TrustRegionRules& rules) {
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step& a, const Step& b) { return a.at != b.at ? a.at < b.at : a.counted < b.counted; });
    double best = std::numeric_limits<double>::infinity();
    std::vector<double> seen;
    for (std::size_t i = 0; i < steps.size();) {
      Batch batch;
      const Step& first = steps[i];
      const double progress = seen.empty() ? 0 : rules.least_progress * spread(seen, best);
      do {
        const double value = values[steps[i].trial];
        ++batch.trials;
        batch.best = std::min(batch.best, value);
        seen.push_back(value);
        region.trials.push_back(steps[i].trial);
        ++i;
      } while (i < steps.size() && steps[i].with(first));
      if (first.counted && !region.collapsed) count(region, batch, batch.best < best - progress, rules);
      best = std::min(best, batch.best);
    }
    std::sort(region.trials.begin(), region.trials.end());
    for (const std::size_t i : region.trials)
      if (std::isfinite(values[i]) && (!region.best || values[i] < values[*region.best])) region.best = i;
  }
};

}  // namespace

std::string region_origin(std::string_view how, const RegionLabel& label) {
  return "trust/" + std::string(label.design ? kDesign : how) + "@" + std::to_string(label.region) + "." +
         std::to_string(label.batch);
}

std::optional<RegionLabel> region_label(const Trial& trial) {
  const auto origin = trial.attributes.find("warpbo:origin");
  if (origin == trial.attributes.end()) return std::nullopt;
  std::string_view text = origin->second;
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  RegionLabel label;
  label.design = text.starts_with(kDesign);
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + 1);
  if (!read(text, '.', label.region) || !read(text, '"', label.batch) || label.region < 0) return std::nullopt;
  return label;
}

std::int64_t latest_region(std::span<const Trial> trials) {
  std::int64_t latest = -1;
  for (const Trial& trial : trials)
    if (const auto label = region_label(trial)) latest = std::max(latest, label->region);
  return latest;
}

std::vector<TrustRegion> replay_regions(std::span<const Trial* const> finished, std::span<const double> values,
                                        std::span<const Trial> pending, const TrustRegionRules& rules) {
  std::map<std::int64_t, Replay> replays;
  replays[0];
  for (std::size_t i = 0; i < finished.size(); ++i) {
    const std::optional<RegionLabel> label = region_label(*finished[i]);
    Replay& replay = replays[label ? label->region : 0];
    const bool counted = label && !label->design;
    const auto number = static_cast<std::uint64_t>(std::max<std::int64_t>(finished[i]->number, 0));
    replay.steps.push_back({counted ? label->batch : number, counted, i});
    if (!counted) ++replay.region.design;
  }
  for (const Trial& trial : pending) {
    const std::optional<RegionLabel> label = region_label(trial);
    Replay& replay = replays[label ? label->region : 0];
    if (!label || label->design) ++replay.region.design;
  }
  std::vector<TrustRegion> regions;
  for (auto& [number, replay] : replays) {
    replay.region.number = number;
    replay.region.length = rules.initial_length;
    replay.run(values, rules);
    regions.push_back(std::move(replay.region));
  }
  return regions;
}

}  // namespace warpbo::samplers
