/// The rules that one parameter's declaration must keep.
#pragma once

#include <warpbo/space.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace warpbo::space {

/// Integers beyond this cannot travel through doubles, JSON readers and Optuna's schema unharmed.
inline constexpr std::int64_t kMaxInteger = std::int64_t{1} << 53;

/// Throws `invalid_argument` with this text.
[[noreturn]] void invalid(const std::string& message);

/// `parameter "lr"`, safe to print.
[[nodiscard]] std::string label(std::string_view name);

/// A name has 1 to 200 bytes of UTF-8, no control characters, no space at either end. Otherwise it is opaque: "__proto__",
/// "../../x" and "=cmd()" are names like any other.
void check_name(std::string_view name);

/// Brings a declaration into its canonical form (-0.0 becomes 0, a step of 1 on integers is no step) and throws
/// `invalid_argument`, naming the parameter, the value and the fix, if it is not a domain. The condition is not looked at.
void check_spec(ParameterSpec& spec);

/// How many values a stepped real has: the largest k for which low + k * step does not pass high (by more than rounding),
/// plus 1.
[[nodiscard]] std::int64_t real_levels(double low, double high, double step);
/// How far a stepped value may be from low + k * step to count as that value: a few units in the last place.
[[nodiscard]] double step_tolerance(double low, double high, double step);

/// "1", "1.5", "true" or "'text'": the value as it is written in a condition.
[[nodiscard]] std::string literal(const Value& value);
/// The name as it is written in a condition or constraint: bare if it is an identifier, otherwise in backticks.
[[nodiscard]] std::string quoted_name(std::string_view name);
/// The choices as a list for messages, at most a dozen of them.
[[nodiscard]] std::string list_choices(const std::vector<Value>& choices);
/// "real", "integer", "categorical", "ordinal" or "constant".
[[nodiscard]] std::string_view kind_name(ParameterKind kind) noexcept;

}  // namespace warpbo::space
