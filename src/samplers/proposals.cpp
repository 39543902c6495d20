#include "samplers/proposals.hpp"

#include "math/philox.hpp"
#include "samplers/point_walk.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace warpbo::samplers {
namespace {

// Streams of the random numbers below, so that they are unrelated to each other and to the strategies' own.
constexpr std::uint64_t kDrawStream = 0x647261770000ULL;
constexpr std::uint64_t kPickStream = 0x7069636b0000ULL;
constexpr std::uint64_t kScanStream = 0x7363616e0000ULL;

constexpr int kDraws = 200;                    // attempts at random before anything is looked through
constexpr int kMoreDraws = 5000;               // attempts where looking through is impossible
constexpr std::int64_t kEnumerated = 1 << 20;  // regions up to this size are enumerated
constexpr std::int64_t kScanned = 1 << 20;     // of larger ones at most so many points are looked at
constexpr double kFailureTolerance = 1e-6;     // of a column's range

/// Whether a trial has a value for every parameter that exists in its row: others are no points of the space.
bool is_whole(const space::Encoder& encoder, const Parameters& parameters, std::span<const double> row,
              std::span<unsigned char> active) {
  const std::vector<ParameterSpec>& specs = encoder.space().parameters();
  encoder.activity(row, active);
  auto entry = parameters.begin();  // mostly in the space's order, so that a look at the next entry is enough
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (active[c] == 0) continue;
    const std::string& name = specs[encoder.columns()[c].parameter].name;
    while (entry != parameters.end() && entry->first != name) ++entry;
    if (entry == parameters.end()) {
      if (!parameters.contains(name)) return false;
      entry = parameters.begin();
    }
  }
  return true;
}

}  // namespace

const space::Encoder& EncoderCache::get(const Space& space) {
  if (!encoder_ || !(encoder_->space() == space)) encoder_.emplace(space);
  return *encoder_;
}

EncodedTrials encode_trials(const space::Encoder& encoder, std::span<const Trial> trials) {
  const std::size_t d = encoder.dimensions();
  EncodedTrials encoded;
  encoded.rows.reserve(trials.size() * d);
  std::vector<double> row(d);
  std::vector<unsigned char> active(d);
  for (const Trial& trial : trials) {
    if (!encoder.encode(trial.parameters, row) || !is_whole(encoder, trial.parameters, row, active)) continue;
    encoder.snap(row);
    encoded.rows.insert(encoded.rows.end(), row.begin(), row.end());
    encoded.trials.push_back(&trial);
  }
  return encoded;
}

bool came_from(const Trial& trial, std::string_view origin) {
  const auto found = trial.attributes.find("warpbo:origin");  // a JSON text
  return found != trial.attributes.end() && found->second == "\"" + std::string(origin) + "\"";
}

double target(const Trial& trial, Direction direction) {
  if (trial.state != TrialState::complete || !trial.value || std::isnan(*trial.value)) {
    return std::numeric_limits<double>::infinity();
  }
  return direction == Direction::minimize ? *trial.value : -*trial.value;
}

Proposals::Proposals(const space::Encoder& encoder, const SuggestRequest& request, const SamplerOptions& options)
    : region_(encoder, request.fixed),
      count_(request.count),
      seed_(options.seed),
      noisy_(options.noise == Noise::noisy),
      finite_(PointWalk::is_finite(region_)),
      finished_(encode_trials(encoder, request.finished)) {
  const std::size_t d = region_.dimensions();
  for (std::size_t i = 0; i < finished_.trials.size(); ++i) {
    const auto row = finished_.row(i, d);
    if (finished_.trials[i]->state == TrialState::failed) {
      if (failed_.insert(row)) failed_rows_.insert(failed_rows_.end(), row.begin(), row.end());
    } else if (!noisy_) {
      closed_.insert(row);
    }
  }
  const EncodedTrials pending = encode_trials(encoder, request.pending);
  for (std::size_t i = 0; i < pending.trials.size(); ++i) closed_.insert(pending.row(i, d));
}

bool Proposals::failed(std::span<const double> row) const {
  if (failed_.contains(row)) return true;
  if (finite_) return false;  // levels are either the same or different; only real numbers can be close
  const std::size_t d = region_.dimensions();
  const auto& columns = region_.encoder().columns();
  for (std::size_t i = 0; i < failed_rows_.size(); i += d) {
    bool near = d > 0;
    for (std::size_t c = 0; near && c < d; ++c) {
      const double tolerance = columns[c].kind == space::ColumnKind::continuous ? kFailureTolerance : 0;
      near = std::fabs(row[c] - failed_rows_[i + c]) <= tolerance;
    }
    if (near) return true;
  }
  return false;
}

bool Proposals::open(std::span<const double> row) const {
  return region_.admits(row) && !closed_.contains(row) && !failed(row);
}

bool Proposals::propose(std::span<const double> row, std::string origin) {
  if (!open(row)) return false;
  accept(row, std::move(origin));
  return true;
}

void Proposals::accept(std::span<const double> row, std::string origin) {
  closed_.insert(row);
  result_.suggestions.push_back({region_.decode(row), std::move(origin)});
}

bool Proposals::draw_open(std::uint64_t position, int attempts, std::span<double> row) const {
  std::vector<double> uniforms(row.size());
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const std::uint64_t stream = kDrawStream + static_cast<std::uint64_t>(attempt);
    for (std::size_t c = 0; c < uniforms.size(); ++c) uniforms[c] = math::philox_uniform(seed_, stream, position, c);
    if (region_.draw(uniforms, math::mix64(seed_ ^ math::mix64(position ^ math::mix64(stream))), row) && open(row)) return true;
    if (row.empty()) break;
  }
  return false;
}

bool Proposals::pick_remaining(std::uint64_t position, std::span<double> row) {
  if (!remaining_) {
    remaining_.emplace();
    PointWalk walk(region_, 1);
    do {
      if (open(walk.row())) remaining_->push_back(walk.row());
    } while (walk.next());
  }
  math::PhiloxSequence random{seed_, kPickStream, position};
  while (!remaining_->empty()) {
    std::swap((*remaining_)[random.below(remaining_->size())], remaining_->back());
    const std::vector<double> point = std::move(remaining_->back());
    remaining_->pop_back();
    if (closed_.contains(point)) continue;  // proposed since the list was made
    std::copy(point.begin(), point.end(), row.begin());
    return true;
  }
  return false;
}

bool Proposals::scan(std::uint64_t position, std::span<double> row) const {
  PointWalk walk(region_, 1);
  std::vector<double> uniforms(row.size());
  for (std::size_t c = 0; c < uniforms.size(); ++c) uniforms[c] = math::philox_uniform(seed_, kScanStream, position, c);
  walk.to(uniforms);
  for (std::int64_t step = 0; step < kScanned; ++step) {
    if (open(walk.row())) {
      std::copy(walk.row().begin(), walk.row().end(), row.begin());
      return true;
    }
    walk.next();
  }
  return false;
}

bool Proposals::pick_repeated(std::uint64_t position, std::span<double> row) const {
  PointWalk walk(region_, 1);
  std::vector<std::vector<double>> points;
  do {
    if (region_.admits(walk.row()) && !failed(walk.row())) points.push_back(walk.row());
  } while (walk.next());
  if (points.empty()) return false;
  math::PhiloxSequence random{seed_, kPickStream, position};
  const auto& point = points[random.below(points.size())];
  std::copy(point.begin(), point.end(), row.begin());
  return true;
}

bool Proposals::propose_random(std::uint64_t position, const std::string& origin) {
  if (result_.exhausted) return false;
  std::vector<double> row(region_.dimensions());
  if (!remaining_ && draw_open(position, kDraws, row)) {
    accept(row, origin);
    return true;
  }
  const bool small = finite_ && PointWalk(region_, 1).total() <= kEnumerated;
  if (small ? pick_remaining(position, row) : finite_ ? scan(position, row) : draw_open(position, kMoreDraws, row)) {
    accept(row, origin);
    return true;
  }
  if (small && noisy_ && pick_repeated(position, row)) {
    accept(row, origin + "/repeat");
    return true;
  }
  result_.exhausted = true;
  if (!small) {
    result_.degraded.push_back("No new point of the space was found in " + std::to_string(finite_ ? kScanned : kMoreDraws) +
                               " attempts; the constraints, fixed values or failures leave almost nothing open.");
  }
  return false;
}

SuggestResult Proposals::take() { return std::move(result_); }

}  // namespace warpbo::samplers
