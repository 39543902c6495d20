#include "acquisition/path_batch.hpp"

#include "acquisition/leftovers.hpp"
#include "acquisition/path_samples.hpp"
#include "math/lbfgs.hpp"
#include "math/philox.hpp"
#include "optimize/transpose.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace warpbo::acquisition {

namespace {

using backend::Buffer;

/// Candidates remembered per function beyond those it climbs from: what it falls back to when others were faster.
constexpr std::int64_t kReserve = 6;
/// Points tried around the end of a climb that somebody else has taken.
constexpr int kNearby = 16;

/// What the functions of a group found at the shared candidates: `places` per function, best first.
struct Screened {
  std::int64_t places = 0;
  std::vector<std::int32_t> indices;
  std::vector<double> values;
};

double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

class PathBatch {
 public:
  PathBatch(const gp::Regression& regression, SearchDomain& domain, const PathBatchOptions& options)
      : regression_(regression),
        backend_(*regression.backend()),
        domain_(domain),
        options_(options),
        d_(domain.columns().size()),
        leftovers_(domain, options.seed) {}

  Proposals build() {
    // A finite domain that is not much larger than the batch is listed, so that nothing of it is missed.
    SearchDomain::Remaining all = domain_.remaining(std::max<std::int64_t>(options_.candidates.count, options_.count));
    finite_ = all.finite;
    candidates_ = finite_ ? std::move(all.rows) : make_candidates(domain_, options_.candidates);
    if (finite_ && rows(candidates_) <= options_.count) {
      // Nothing to choose from: all that is left.
      for (std::int64_t i = 0; i < rows(candidates_); ++i) take(row(candidates_, i), -INFINITY);
      return std::move(out_);
    }
    upload_candidates();
    const std::int64_t group = group_size();
    for (std::int64_t first = 0; first < options_.count; first += group) {
      out_.timed_out = first > 0 && options_.deadline.passed();
      if (out_.timed_out) break;
      propose_group(first, std::min<std::int64_t>(group, options_.count - first));
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] std::int64_t rows(const std::vector<double>& points) const {
    return static_cast<std::int64_t>(points.size() / std::max<std::size_t>(d_, 1));
  }
  [[nodiscard]] std::span<const double> row(const std::vector<double>& points, std::int64_t index) const {
    return std::span(points).subspan(static_cast<std::size_t>(index) * d_, d_);
  }

  [[nodiscard]] std::int64_t group_size() const {
    const std::int64_t n = regression_.observations();
    const double fixed = PathSamples::bytes(n, 0, options_.features);
    const double search =
        8.0 * options_.starts * static_cast<double>(math::lbfgs_state_size(static_cast<std::int64_t>(d_)) + 6 * d_);
    const double each = PathSamples::bytes(n, 1, options_.features) - fixed + search;
    const double limit = 0.8 * static_cast<double>(backend_.traits().memory_limit) - fixed;
    const double fitting = std::min(options_.group_bytes, limit) / each;
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(fitting), 1, options_.group_size);
  }

  [[nodiscard]] PathSampleOptions sample_options(std::int64_t first, std::int64_t count) const {
    PathSampleOptions sample;
    sample.count = count;
    sample.features = options_.features;
    sample.seed = math::mix64(options_.seed ^ math::mix64(static_cast<std::uint64_t>(first)));
    if (options_.least_spread == 1) return sample;
    for (std::int64_t s = first; s < first + count; ++s) {
      // Golden-ratio steps: any part of the batch has all spreads.
      const double position = std::fmod(0.6180339887498949 * static_cast<double>(s), 1.0);
      sample.spread.push_back(std::pow(options_.least_spread, position));
    }
    return sample;
  }

  void propose_group(std::int64_t first, std::int64_t count) {
    const PathSamples samples(regression_, domain_.columns(), sample_options(first, count));
    const std::vector<std::int64_t> without = finite_ ? take_listed(samples) : climb_and_take(samples, screen(samples));
    for ([[maybe_unused]] const std::int64_t path : without) take_anything();
  }

  [[nodiscard]] Screened screen(const PathSamples& samples) {
    const std::int64_t count = samples.count(), m = rows(candidates_);
    const std::int64_t places = finite_ ? backend::kMostScreened : options_.starts + kReserve;
    Screened out{std::min(places, m), {}, {}};
    const Buffer<std::int32_t> indices(regression_.backend(), out.places * count);
    const Buffer<double> values(regression_.backend(), out.places * count);
    backend_.run(backend::ScreenPaths{samples.model(), device_candidates_.matrix(m, static_cast<std::int64_t>(d_)),
                                      indices.matrix(out.places, count), values.matrix(out.places, count)});
    out.indices.resize(static_cast<std::size_t>(out.places * count));
    out.values.resize(out.indices.size());
    indices.download(out.indices);
    values.download(out.values);
    return out;
  }

  /// A finite domain: every function takes its best point that is left. Those that find all of theirs taken choose again from
  /// what remains. Returns the functions that go without.
  std::vector<std::int64_t> take_listed(const PathSamples& samples) {
    std::vector<std::int64_t> without(static_cast<std::size_t>(samples.count()));
    std::iota(without.begin(), without.end(), std::int64_t{0});
    for (int round = 0; round < 8 && !without.empty(); ++round) {
      const Screened screened = screen(samples);
      std::erase_if(without, [&](std::int64_t path) { return take_candidate(screened, path); });
      forget_taken();
    }
    return without;
  }

  void forget_taken() {
    std::vector<double> left;
    for (std::int64_t i = 0; i < rows(candidates_); ++i) {
      const std::span<const double> point = row(candidates_, i);
      if (domain_.admissible(point)) left.insert(left.end(), point.begin(), point.end());
    }
    candidates_ = std::move(left);
    upload_candidates();
  }

  void upload_candidates() {
    device_candidates_ = Buffer<double>(regression_.backend(), static_cast<std::int64_t>(candidates_.size()));
    device_candidates_.upload(optimize::transposed(candidates_, rows(candidates_), static_cast<std::int64_t>(d_)));
  }

  bool take_candidate(const Screened& screened, std::int64_t path) {
    for (std::int64_t p = 0; p < screened.places; ++p) {
      const auto at = static_cast<std::size_t>(p + path * screened.places);
      if (screened.indices[at] < 0) continue;
      const std::span<const double> point = row(candidates_, screened.indices[at]);
      if (domain_.admissible(point)) return take(point, -screened.values[at]);
    }
    return false;
  }

  /// The function's best candidate, then the best that are not next to those chosen already, then whatever is good.
  void append_starts(const Screened& screened, std::int64_t path, std::vector<double>& starts) const {
    std::vector<std::int64_t> chosen;
    for (const double apart : {0.05, 0.0})
      for (std::int64_t p = 0; p < screened.places && std::ssize(chosen) < options_.starts; ++p) {
        const std::int64_t index = screened.indices[static_cast<std::size_t>(p + path * screened.places)];
        if (index < 0 || std::find(chosen.begin(), chosen.end(), index) != chosen.end()) continue;
        const bool far = std::all_of(chosen.begin(), chosen.end(), [&](std::int64_t other) {
          return distance(row(candidates_, index), row(candidates_, other)) >= apart;
        });
        if (far) chosen.push_back(index);
      }
    for (std::size_t i = 0; std::ssize(chosen) < options_.starts; ++i) chosen.push_back(chosen[i]);
    for (const std::int64_t index : chosen) {
      const std::span<const double> start = row(candidates_, index);
      starts.insert(starts.end(), start.begin(), start.end());
    }
  }

  std::vector<std::int64_t> climb_and_take(const PathSamples& samples, const Screened& screened) {
    const std::int64_t count = samples.count();
    std::vector<double> starts;
    std::vector<std::int32_t> paths_of;
    for (std::int64_t path = 0; path < count; ++path) {
      append_starts(screened, path, starts);
      paths_of.insert(paths_of.end(), static_cast<std::size_t>(options_.starts), static_cast<std::int32_t>(path));
    }
    const Buffer<std::int32_t> device_paths(regression_.backend(), static_cast<std::int64_t>(paths_of.size()));
    device_paths.upload(paths_of);
    const PathTarget target(samples.model(), device_paths.view());
    ClimbOptions climb = options_.climb;
    climb.deadline = options_.deadline;
    const Climbed climbed = climb_each(regression_.arena(), domain_, target, starts, climb);
    std::vector<std::int64_t> late;
    for (std::int64_t path = 0; path < count; ++path)
      if (!take_climbed(climbed, path)) late.push_back(path);
    return take_nearby(samples, climbed, screened, late);
  }

  /// Ends of the climbs of one function, best first.
  [[nodiscard]] std::vector<std::int64_t> ends(const Climbed& climbed, std::int64_t path) const {
    std::vector<std::int64_t> order;
    for (int s = 0; s < options_.starts; ++s) order.push_back(path * options_.starts + s);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return climbed.values[static_cast<std::size_t>(a)] > climbed.values[static_cast<std::size_t>(b)];
    });
    return order;
  }

  bool take_climbed(const Climbed& climbed, std::int64_t path) {
    for (const std::int64_t end : ends(climbed, path))
      if (domain_.admissible(row(climbed.rows, end)))
        return take(row(climbed.rows, end), climbed.values[static_cast<std::size_t>(end)]);
    return false;
  }

  /// Functions whose ends are all taken: the best of some points around the best end, then a candidate. Returns those that
  /// found nothing.
  std::vector<std::int64_t> take_nearby(const PathSamples& samples, const Climbed& climbed, const Screened& screened,
                                        const std::vector<std::int64_t>& late) {
    std::vector<double> points;
    std::vector<std::int32_t> owners;
    std::vector<double> moved(d_);
    for (const std::int64_t path : late) {
      const std::span<const double> end = row(climbed.rows, ends(climbed, path).front());
      const std::uint64_t chosen = out_.values.size();  // by earlier groups and paths: never the same twice for one path
      math::PhiloxSequence random{options_.seed, 5, chosen << 20 | static_cast<std::uint64_t>(path), 0};
      for (int i = 0; i < kNearby; ++i) {
        std::copy(end.begin(), end.end(), moved.begin());
        perturb(domain_, 0.002 * std::pow(2.0, i / 2), random, moved);
        if (!domain_.admissible(moved)) continue;
        points.insert(points.end(), moved.begin(), moved.end());
        owners.push_back(static_cast<std::int32_t>(path));
      }
    }
    std::vector<std::int32_t> identity(static_cast<std::size_t>(samples.count()));
    for (std::size_t s = 0; s < identity.size(); ++s) identity[s] = static_cast<std::int32_t>(s);
    const Buffer<std::int32_t> device(regression_.backend(), samples.count());
    device.upload(identity);
    const PathTarget target(samples.model(), device.view());
    const std::vector<double> values = evaluate(regression_.arena(), target, points, static_cast<std::int64_t>(d_), owners);
    std::vector<std::int64_t> without;
    std::size_t first = 0;
    for (const std::int64_t path : late) {
      std::size_t end = first;
      while (end < owners.size() && owners[end] == path) ++end;
      if (!take_best(points, values, first, end) && !take_candidate(screened, path)) without.push_back(path);
      first = end;
    }
    return without;
  }

  bool take_best(const std::vector<double>& points, const std::vector<double>& values, std::size_t first, std::size_t end) {
    std::size_t best = end;
    for (std::size_t i = first; i < end; ++i)
      if ((best == end || values[i] > values[best]) && domain_.admissible(row(points, static_cast<std::int64_t>(i)))) best = i;
    return best < end && take(row(points, static_cast<std::int64_t>(best)), values[best]);
  }

  void take_anything() {
    std::vector<double> point(d_);
    if (leftovers_.next(point)) take(point, -INFINITY);
  }

  bool take(std::span<const double> point, double value) {
    const std::vector<double> copy(point.begin(), point.end());
    out_.rows.insert(out_.rows.end(), copy.begin(), copy.end());
    out_.values.push_back(value);
    domain_.exclude(copy);
    return true;
  }

  const gp::Regression& regression_;
  backend::Backend& backend_;
  SearchDomain& domain_;
  const PathBatchOptions& options_;
  std::size_t d_;
  Leftovers leftovers_;
  bool finite_ = false;
  std::vector<double> candidates_;
  Buffer<double> device_candidates_;
  Proposals out_;
};

}  // namespace

Proposals propose_paths(const gp::Regression& regression, SearchDomain& domain, const PathBatchOptions& options) {
  return PathBatch(regression, domain, options).build();
}

}  // namespace warpbo::acquisition
