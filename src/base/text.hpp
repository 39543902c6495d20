/// Numbers and strings as text, independent of the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace warpbo::text {

/// Reads a whole string as a decimal integer; nothing if anything is left over or it does not fit. A leading '+' is accepted.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
/// Reads a whole string as a number in C notation, "inf" and "nan" included; nothing if anything is left over ("1,5", "0x1").
[[nodiscard]] std::optional<double> parse_number(std::string_view text);
/// The shortest text that reads back to the same double; "inf", "-inf", "nan".
[[nodiscard]] std::string format_number(double value);
/// The text in double quotes with control characters escaped and at most `limit` bytes shown: safe to print on a terminal.
[[nodiscard]] std::string quote(std::string_view text, std::size_t limit = 80);
/// True if the bytes are valid UTF-8 (no surrogates, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// Without spaces, tabs and line ends at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

}  // namespace warpbo::text
