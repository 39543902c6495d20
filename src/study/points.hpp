/// What a study needs to know about the points of its space: canonical values, incomplete points, equality.
#pragma once

#include <warpbo/space.hpp>

#include <optional>
#include <string>

namespace warpbo::study {

class Points {
 public:
  explicit Points(const Space& space);

  [[nodiscard]] const Space& space() const noexcept { return space_; }

  /// The values in their declared types: an integral double of an integer parameter becomes an integer, an integer of a real
  /// one becomes a double, -0.0 becomes 0. In the order of the space; names that it does not have stay at the end, for `check`
  /// to name.
  [[nodiscard]] Parameters typed(const Parameters& parameters) const;
  /// `typed`, with the unconditional parameters that can take only one value added.
  [[nodiscard]] Parameters canonical(const Parameters& parameters) const;

  /// Why these values cannot be part of a point, or nothing if they can: each must be in its domain, and a conditional
  /// parameter needs those that its condition names beside it. Others may be missing.
  [[nodiscard]] std::optional<std::string> check_part(const Parameters& parameters) const;
  /// Why these values are not a point, or nothing.
  [[nodiscard]] std::optional<std::string> check(const Parameters& parameters) const { return space_.check(parameters); }
  /// True when no parameter is missing. Linear constraints do not count: a point that breaks one is complete, and wrong.
  [[nodiscard]] bool complete(const Parameters& parameters) const { return !unconstrained_.check(parameters); }

  /// A text that is equal for equal points and for no others. Takes canonical parameters.
  [[nodiscard]] static std::string key(const Parameters& parameters);

 private:
  Space space_;
  Space unconstrained_;  // the same parameters without the linear constraints
};

}  // namespace warpbo::study
