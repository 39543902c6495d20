/// JSON as Python's json module reads and writes it, for the texts that are shared with Optuna: distributions and enqueued
/// parameters. Beside standard JSON it knows NaN, Infinity and lone surrogates (Python's way to carry bytes that are not
/// UTF-8), keeps integers apart from reals, and writes numbers and strings exactly as Python does.
#pragma once

#include <warpbo/trial.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace warpbo::storage {

struct Json {
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> value;

  /// A member of an object, or nullptr.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  /// A number as double, integers included.
  [[nodiscard]] std::optional<double> number() const noexcept;
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;
};

/// Reads a whole text; nothing if it is not JSON or nested deeper than 64.
[[nodiscard]] std::optional<Json> parse_json(std::string_view text);

/// True if the text is standard JSON of any depth. Python, and so Optuna, can then read it.
[[nodiscard]] bool is_json(std::string_view text);

/// Appends a string in quotes, ASCII only. Bytes that are not UTF-8 become lone surrogates U+DC80 to U+DCFF.
void append_json_string(std::string& out, std::string_view bytes);
/// Appends a real as Python's repr gives it: 0.1, 1e-05, 3.0, Infinity.
void append_json_real(std::string& out, double value);
void append_json_value(std::string& out, const Value& value);

}  // namespace warpbo::storage
