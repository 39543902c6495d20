/// A study's history as the model's data.
#pragma once

#include "space/encoder.hpp"

#include <warpbo/sampler.hpp>

#include <cstdint>
#include <vector>

namespace warpbo::samplers {

/// Points in encoded form, one per distinct point: repeated trials are merged into their mean. All values are to be minimized.
struct Observations {
  std::vector<double> rows;            ///< row-major n x d
  std::vector<double> values;          ///< n; failed and infinite ones imputed (see observe())
  std::vector<double> noise_weights;   ///< n; 1 / number of merged trials; empty when nothing was merged
  std::vector<unsigned char> imputed;  ///< n; 1 where the value was not observed
  std::vector<double> failed_rows;     ///< row-major; where trials failed (also part of `rows`)
  std::int64_t successes = 0;          ///< distinct points with a finite value

  [[nodiscard]] std::int64_t size() const noexcept { return static_cast<std::int64_t>(values.size()); }
};

/// Takes complete trials with their values and failed ones with the worst finite value, so that the model avoids their region;
/// "worse than everything" (+infinity) likewise. Pruned trials without value and points that do not fit the space are left out.
[[nodiscard]] Observations observe(const space::Encoder& encoder, std::span<const Trial> finished, Direction direction);

/// The first `count` trials' worth of data is what a schedule of fits is anchored to; this keeps the first `count` points.
[[nodiscard]] Observations first_points(const Observations& all, std::int64_t count, std::int64_t dimensions);

/// Keeps `count` points: half of them the best, the rest the latest others; in their old order.
[[nodiscard]] Observations best_and_latest(const Observations& all, std::int64_t count, std::int64_t dimensions);

/// Keeps at most `count` points in such a way that most additions only append: with the points in blocks of `block`, the latest
/// block as far as it has come, and of those before it count - block by best_and_latest.
[[nodiscard]] Observations latest_with_best(const Observations& all, std::int64_t count, std::int64_t block,
                                            std::int64_t dimensions);

}  // namespace warpbo::samplers
