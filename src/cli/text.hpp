/// Numbers, durations and strings as people type and read them. Nothing here depends on the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::cli {

/// A whole string as a decimal integer, or nothing.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
/// A whole string as a number in C notation, "inf" and "nan" included, or nothing ("1,5").
[[nodiscard]] std::optional<double> parse_number(std::string_view text);
/// The shortest text that reads back to the same double.
[[nodiscard]] std::string format_number(double value);
/// At most `digits` significant digits, for people.
[[nodiscard]] std::string brief_number(double value, int digits = 5);

/// Seconds from "90", "90s", "10m", "2h", "1h30m", "1.5h", "500ms" or "2d"; nothing for anything else or a negative number.
[[nodiscard]] std::optional<double> parse_duration(std::string_view text);
/// "0:06:12".
[[nodiscard]] std::string format_clock(double seconds);

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// The text without anything that could move the cursor, change colours or reorder the line: control characters, C1 controls,
/// bidirectional overrides and invalid UTF-8 become \n, \t or \xNN. At most `limit` bytes are shown.
[[nodiscard]] std::string escape(std::string_view text, std::size_t limit = 200);
/// The same between double quotes.
[[nodiscard]] std::string quote(std::string_view text, std::size_t limit = 200);

/// Columns that the (already escaped) text takes on a terminal; East Asian wide characters count 2, combining marks 0.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// The text cut to `columns`, with an ellipsis when something is missing.
[[nodiscard]] std::string fit_width(std::string_view text, std::size_t columns, bool unicode);

/// The candidate that `name` is probably a misspelling of.
[[nodiscard]] std::optional<std::string> closest(std::string_view name, std::span<const std::string> candidates);
/// ", did you mean "x"?" or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

/// The argument as a word that a POSIX shell reads back unchanged.
[[nodiscard]] std::string shell_quote(std::string_view argument);
[[nodiscard]] std::string shell_join(std::span<const std::string> arguments);
/// Splits a line into words as a shell would, with quotes and backslashes but no expansion. Throws `invalid_argument` for an
/// open quote.
[[nodiscard]] std::vector<std::string> split_words(std::string_view line);

/// A name as one safe path component: characters outside [A-Za-z0-9._-] become '_', and a name that had to be changed gets a
/// short hash of the original, so that two names never share a directory.
[[nodiscard]] std::string safe_component(std::string_view name);

/// A few block characters (or ASCII ones) that draw the values from low to high.
[[nodiscard]] std::string sparkline(std::span<const double> values, std::size_t columns, bool unicode);

}  // namespace warpbo::cli
