/// The trials in the form in which a sampler takes them, kept from one ask to the next.
#pragma once

#include "study/points.hpp"
#include "study/proposer.hpp"
#include "study/view.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::study {

/// An ask works on this copy, so that results can be told while a model is being fitted. Use from one thread at a time.
class History {
 public:
  /// Takes in what the view has got since the last call. `besides`: trials that do not count as pending, for their parameters
  /// are being chosen.
  void update(View& view, const Points& points, std::span<const Trial> besides = {});

  [[nodiscard]] const std::vector<Trial>& finished() const noexcept { return finished_; }
  /// Running and waiting trials whose parameters are known in full; an incomplete enqueued one says little about where it will
  /// lie.
  [[nodiscard]] const std::vector<Trial>& pending() const noexcept { return pending_; }
  [[nodiscard]] const KnownPoints& known() const noexcept { return known_; }
  /// How many trials the study has had.
  [[nodiscard]] std::uint64_t created() const noexcept { return created_; }

 private:
  std::vector<Trial> finished_;  // by number
  std::vector<Trial> pending_;
  KnownPoints known_;
  std::uint64_t created_ = 0;
};

}  // namespace warpbo::study
