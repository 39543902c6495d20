/// What every strategy shares: which points are still open, the search for one when the strategy's own idea is taken, and the
/// answer.
#pragma once

#include "samplers/point_set.hpp"
#include "samplers/region.hpp"

#include <warpbo/sampler.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::samplers {

/// Keeps the encoder of the space last seen, since making one solves a linear program.
class EncoderCache {
 public:
  const space::Encoder& get(const Space& space);

 private:
  std::optional<space::Encoder> encoder_;
};

/// The trials of a request in encoded form. Trials that do not fit the space are left out.
struct EncodedTrials {
  std::vector<double> rows;  ///< row-major, snapped
  std::vector<const Trial*> trials;

  [[nodiscard]] std::span<const double> row(std::size_t index, std::size_t dimensions) const {
    return {rows.data() + index * dimensions, dimensions};
  }
};

[[nodiscard]] EncodedTrials encode_trials(const space::Encoder& encoder, std::span<const Trial> trials);

/// Whether a trial is a proposal of the given origin, for example "gp/ucb".
[[nodiscard]] bool came_from(const Trial& trial, std::string_view origin);

/// A trial's value so that smaller is better; +infinity for anything but a complete trial.
[[nodiscard]] double target(const Trial& trial, Direction direction);

/// Collects the proposals of one request.
///
/// A point is closed if a trial failed there (or within 1e-6 of it in every column), if it is pending or was proposed in this
/// request, or if it was evaluated; with a noisy objective, evaluated points stay open, and once nothing else is left pending
/// ones are handed out again.
class Proposals {
 public:
  Proposals(const space::Encoder& encoder, const SuggestRequest& request, const SamplerOptions& options);

  [[nodiscard]] const Region& region() const noexcept { return region_; }
  [[nodiscard]] const EncodedTrials& finished() const noexcept { return finished_; }
  [[nodiscard]] bool complete() const noexcept { return std::ssize(result_.suggestions) >= count_; }
  [[nodiscard]] std::uint64_t proposed() const noexcept { return result_.suggestions.size(); }
  /// Whether a trial failed at a snapped row or close to it.
  [[nodiscard]] bool failed(std::span<const double> row) const;

  /// Whether a snapped row may be proposed.
  [[nodiscard]] bool open(std::span<const double> row) const;
  /// Proposes it if it is open.
  bool propose(std::span<const double> row, std::string origin);
  /// Proposes it whatever was evaluated there before.
  void accept(std::span<const double> row, std::string origin);

  /// Proposes an open point at random; `position` is its place in the random stream. When drawing finds none, a finite region
  /// is looked through. False when there is none; the answer is then marked as exhausted.
  bool propose_random(std::uint64_t position, const std::string& origin);

  [[nodiscard]] SuggestResult take();

 private:
  [[nodiscard]] bool draw_open(std::uint64_t position, int attempts, std::span<double> row) const;
  [[nodiscard]] bool pick_remaining(std::uint64_t position, std::span<double> row);
  [[nodiscard]] bool scan(std::uint64_t position, std::span<double> row) const;
  [[nodiscard]] bool pick_repeated(std::uint64_t position, std::span<double> row) const;

  Region region_;
  int count_;
  std::uint64_t seed_;
  bool noisy_;
  bool finite_;
  EncodedTrials finished_;
  PointSet closed_;
  std::vector<double> failed_rows_;
  PointSet failed_;
  // Of a small finite region: the open points that are left, made when drawing at random first fails.
  std::optional<std::vector<std::vector<double>>> remaining_;
  SuggestResult result_;
};

}  // namespace warpbo::samplers
