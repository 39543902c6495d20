/// The few JSON texts that a study writes into attributes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace warpbo::study {

/// The text as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);
/// The texts as a JSON array of strings.
[[nodiscard]] std::string json_strings(const std::vector<std::string>& texts);
/// Whether the text is one JSON value.
[[nodiscard]] bool is_json(std::string_view text);
/// The string that a JSON text holds; the text itself if it is no JSON string.
[[nodiscard]] std::string from_json_string(std::string_view json);
/// The text as valid UTF-8 (bad bytes become U+FFFD), at most `limit` bytes of it.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit);

}  // namespace warpbo::study
