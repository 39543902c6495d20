#include "samplers/population.hpp"

#include "math/philox.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace warpbo::samplers {
namespace {

constexpr std::uint64_t kSettingsStream = 0x64655f7365740000ULL;
constexpr std::uint64_t kArchiveStream = 0x64655f6172630000ULL;

// Chosen on shifted Ackley-5, Rosenbrock-5, Levy-10, Rastrigin-5 and Hartmann-6 at 100, 300 and 1000 evaluations.
constexpr std::size_t kMemory = 10;  // entries of the success history
constexpr double kFirstScale = 0.5;
constexpr double kFirstCrossover = 0.6;
constexpr double kSpread = 0.1;                // of F (Cauchy) and CR (normal) around an entry
constexpr double kFromBest = 0.7;              // share of "pbest/1"
constexpr std::size_t kLeast = 8, kMost = 60;  // members
constexpr int kIdleGenerations = 20;

}  // namespace

Population::Population(std::size_t dimensions, std::size_t variables, double collapsed, std::uint64_t seed)
    : dimensions_(dimensions), collapsed_(collapsed), seed_(seed) {
  begin_epoch(0, std::clamp(3 * variables / 2, kLeast, kMost));
}

void Population::begin_epoch(std::int64_t number, std::size_t size) {
  epoch_ = number;
  generation_ = 0;
  members_.assign(size, {});
  archive_.clear();
  successes_.clear();
  memory_scale_.assign(kMemory, kFirstScale);
  memory_crossover_.assign(kMemory, kFirstCrossover);
  memory_next_ = 0;
  told_ = idle_ = 0;
}

std::size_t Population::slot(std::int64_t number) const {
  return static_cast<std::size_t>((number - epoch_) % std::ssize(members_));
}

std::vector<std::size_t> Population::ranking() const {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].filled) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return members_[a].target < members_[b].target; });
  return order;
}

std::size_t Population::good(std::size_t filled) { return std::min(filled, std::max<std::size_t>(2, (filled + 2) / 4)); }

Population::Settings Population::settings(std::int64_t number) const {
  math::PhiloxSequence random{seed_, kSettingsStream, static_cast<std::uint64_t>(number)};
  const std::size_t entry = random.below(kMemory);
  Settings settings;
  settings.from_best = random.uniform() < kFromBest;
  settings.crossover = std::clamp(memory_crossover_[entry] + kSpread * random.normal(), 0.0, 1.0);
  // Cauchy, drawn again while not positive; the memory is positive, so more than half of the draws succeed.
  do {
    settings.scale = memory_scale_[entry] + kSpread * std::tan(std::numbers::pi * (random.uniform() - 0.5));
  } while (!(settings.scale > 0));
  settings.scale = std::min(settings.scale, 1.0);
  return settings;
}

void Population::advance(std::int64_t number) {
  while (number >= epoch_ + (generation_ + 1) * std::ssize(members_)) {
    close_generation();
    ++generation_;
    if (collapsed()) {
      const Member best = members_[ranking().front()];
      // The new epoch's slots are filled from the first on; the best member stands in the last.
      begin_epoch(epoch_ + generation_ * std::ssize(members_), std::min(2 * members_.size(), std::max(kMost, members_.size())));
      members_.back() = best;
      continue;
    }
    // Generations in which nothing was told change nothing more: go straight to the one before.
    const std::int64_t target = (number - epoch_) / std::ssize(members_);
    generation_ = std::max(generation_, target - 1);
  }
}

void Population::close_generation() {
  if (!successes_.empty()) {
    double weight = 0, scale = 0, scale_squares = 0, crossover = 0, crossover_squares = 0;
    for (const Success& s : successes_) {
      weight += s.gain;
      scale += s.gain * s.scale;
      scale_squares += s.gain * s.scale * s.scale;
      crossover += s.gain * s.crossover;
      crossover_squares += s.gain * s.crossover * s.crossover;
    }
    if (weight > 0 && std::isfinite(weight)) {
      memory_scale_[memory_next_] = scale_squares / scale;
      memory_crossover_[memory_next_] = crossover > 0 ? crossover_squares / crossover : 0;
      memory_next_ = (memory_next_ + 1) % kMemory;
    }
  }
  if (told_ > 0) idle_ = successes_.empty() ? idle_ + 1 : 0;
  successes_.clear();
  told_ = 0;
}

bool Population::collapsed() const {
  if (dimensions_ == 0 || !std::ranges::all_of(members_, &Member::filled)) return false;
  if (idle_ >= kIdleGenerations) return true;
  double extent = 0;
  for (std::size_t c = 0; c < dimensions_; ++c) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Member& member : members_) {
      low = std::min(low, member.row[c]);
      high = std::max(high, member.row[c]);
    }
    extent = std::max(extent, high - low);
  }
  return extent < collapsed_;
}

void Population::take_late(std::span<const double> row, double target) {
  const std::vector<std::size_t> order = ranking();
  if (order.empty() || target >= members_[order.front()].target) return;
  members_[order.back()] = {{row.begin(), row.end()}, target, true};
}

void Population::tell(std::int64_t number, std::span<const double> row, double target) {
  if (!(target < std::numeric_limits<double>::infinity())) return;
  if (number < epoch_) return take_late(row, target);
  advance(number);
  ++told_;
  Member& member = members_[slot(number)];
  if (!member.filled) {
    member = {{row.begin(), row.end()}, target, true};
    idle_ = 0;
    return;
  }
  if (target > member.target) return;
  if (target < member.target) {
    const Settings used = settings(number);
    successes_.push_back({used.scale, used.crossover, member.target - target});
    if (archive_.size() < members_.size()) {
      archive_.push_back(member.row);
    } else {
      math::PhiloxSequence random{seed_, kArchiveStream, static_cast<std::uint64_t>(number)};
      archive_[random.below(archive_.size())] = member.row;
    }
  }
  member = {{row.begin(), row.end()}, target, true};
}

}  // namespace warpbo::samplers
