/// The part of a space that one request may draw from: the whole space, or the slice in which some parameters have given
/// values.
#pragma once

#include "space/encoder.hpp"

#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace warpbo::samplers {

class Region {
 public:
  /// Keeps a reference to the encoder. Throws `invalid_argument`, naming the parameter, if a fixed value is not of the space,
  /// or if the constraints leave nothing beside the fixed values.
  Region(const space::Encoder& encoder, const Parameters& fixed);

  [[nodiscard]] const space::Encoder& encoder() const noexcept { return encoder_; }
  [[nodiscard]] std::size_t dimensions() const noexcept { return encoder_.dimensions(); }
  /// The value that a column must take in every row, or nothing.
  [[nodiscard]] const std::optional<double>& fixed(std::size_t column) const { return fixed_[column]; }
  [[nodiscard]] bool has_fixed() const noexcept { return !values_.empty(); }

  /// Writes the fixed values into a row and snaps it.
  void impose(std::span<double> row) const;
  /// Whether a snapped row is a point of the region: its constraints hold, and every fixed parameter exists in it with its
  /// value.
  [[nodiscard]] bool admits(std::span<const double> row) const;
  /// Makes a point of the region from `dimensions()` uniforms in [0, 1); `seed` drives the search when constraints reject the
  /// first attempt. False when none was found: try again with other uniforms.
  bool draw(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const;
  /// The trial of a row; fixed parameters have exactly the values that were given.
  [[nodiscard]] Parameters decode(std::span<const double> row) const;

 private:
  void fix(const ParameterSpec& spec, const Value& value);
  void restrict_to_fixed_numbers(const Parameters& fixed);
  bool draw_restricted(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const;

  const space::Encoder& encoder_;
  std::vector<std::optional<double>> fixed_;  // per column
  Parameters values_;                         // as given, in the declared types
  std::vector<std::size_t> column_of_;        // parameter index -> column, or npos for constants
  // With constraints: the space in which the fixed numbers are constants, so that its sampler looks only where they hold.
  std::optional<space::Encoder> restricted_;
};

}  // namespace warpbo::samplers
