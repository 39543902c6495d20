#include "cli/text.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

namespace warpbo::cli {

namespace {

std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

/// Decodes one UTF-8 character at the front; length 0 means invalid.
struct Character {
  char32_t code = 0;
  std::size_t length = 0;
};

Character decode(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  char32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  if ((length == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
      (length == 4 && (code < 0x10000 || code > 0x10ffff)))
    return {};
  return {code, length};
}

/// Characters that act on the terminal or on the order of the line instead of being shown.
bool is_harmful(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

int columns_of(char32_t code) {
  if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200f) || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  const bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                    (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                    (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                    (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

/// Edit distance in which swapping two neighbours counts once (optimal string alignment); names are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, previous(b.size() + 1), row(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), previous[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(previous, row);
  }
  return previous[b.size()];
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  text = without_plus(text);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_number(std::string_view text) {
  text = without_plus(text);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string format_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 32> buffer;
  const auto [end, code] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), end);
}

std::string brief_number(double value, int digits) {
  if (!std::isfinite(value)) return format_number(value);
  std::array<char, 64> buffer;
  const auto [end, code] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, digits);
  const std::string rounded(buffer.data(), end);
  const std::string exact = format_number(value);
  return exact.size() <= rounded.size() ? exact : rounded;
}

std::optional<double> parse_duration(std::string_view text) {
  text = trim(text);
  if (const auto seconds = parse_number(text)) {
    if (!std::isfinite(*seconds) || *seconds < 0) return std::nullopt;
    return seconds;
  }
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto amount = parse_number(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), text.size());
    const std::string_view name = text.substr(0, letters);
    text.remove_prefix(letters);
    const auto* unit =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& known) { return known.first == name; });
    if (!amount || unit == std::end(kUnits)) return std::nullopt;
    total += *amount * unit->second;
  }
  return total;
}

std::string format_clock(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, std::min(seconds, 1e9)));
  const auto two = [](std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  return std::to_string(whole / 3600) + ":" + two(whole / 60 % 60) + ":" + two(whole % 60);
}

std::string_view trim(std::string_view text) noexcept {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string escape(std::string_view text, std::size_t limit) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  std::size_t i = 0;
  while (i < text.size() && i < limit) {
    const Character character = decode(text.substr(i));
    if (character.length > 0 && !is_harmful(character.code)) {
      out += text.substr(i, character.length);
      i += character.length;
      continue;
    }
    const std::size_t length = std::max<std::size_t>(1, character.length);
    for (std::size_t k = i; k < i + length; ++k) {
      const auto byte = static_cast<unsigned char>(text[k]);
      if (byte == '\n') {
        out += "\\n";
      } else if (byte == '\t') {
        out += "\\t";
      } else if (byte == '\r') {
        out += "\\r";
      } else {
        out += "\\x";
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
      }
    }
    i += length;
  }
  if (i < text.size()) out += "... (" + std::to_string(text.size()) + " bytes)";
  return out;
}

std::string quote(std::string_view text, std::size_t limit) { return '"' + escape(text, limit) + '"'; }

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = decode(text.substr(i));
    columns += character.length == 0 ? 1 : static_cast<std::size_t>(columns_of(character.code));
    i += std::max<std::size_t>(1, character.length);
  }
  return columns;
}

std::string fit_width(std::string_view text, std::size_t columns, bool unicode) {
  if (display_width(text) <= columns) return std::string(text);
  const std::string ellipsis = unicode ? "…" : "~";
  std::string out;
  std::size_t used = 1;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = decode(text.substr(i));
    const std::size_t length = std::max<std::size_t>(1, character.length);
    used += character.length == 0 ? 1 : static_cast<std::size_t>(columns_of(character.code));
    if (used > columns) break;
    out += text.substr(i, length);
    i += length;
  }
  return columns == 0 ? std::string() : out + ellipsis;
}

std::optional<std::string> closest(std::string_view name, std::span<const std::string> candidates) {
  const std::size_t allowed = std::max<std::size_t>(1, name.size() / 3);
  std::optional<std::string> best;
  std::size_t best_distance = allowed + 1;
  if (name.size() > 100) return best;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > name.size() + allowed || name.size() > candidate.size() + allowed) continue;
    const std::size_t d = distance(name, candidate);
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const auto candidate = closest(name, candidates);
  return candidate ? "; did you mean " + quote(*candidate) + "?" : std::string();
}

std::string shell_quote(std::string_view argument) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./=:,+@%").find(c) != std::string_view::npos;
  };
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), plain)) return std::string(argument);
  std::string out = "'";
  for (const char c : argument) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string shell_join(std::span<const std::string> arguments) {
  std::string out;
  for (const std::string& argument : arguments) out += (out.empty() ? "" : " ") + shell_quote(argument);
  return out;
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun, perhaps an empty quoted one
  char inside = 0;    // the quote we are in
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (inside != 0 && c == inside) {
      inside = 0;
    } else if (inside == '\'') {
      word += c;
    } else if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      open = true;
    } else if (inside != 0) {
      word += c;
    } else if (c == '\'' || c == '"') {
      inside = c;
      open = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (inside != 0) throw Error(ErrorCode::invalid_argument, "the command " + quote(line) + " has an open quote; close it");
  if (open) words.push_back(std::move(word));
  return words;
}

std::string safe_component(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 80)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    out += plain ? c : '_';
  }
  if (!out.empty() && (out[0] == '.' || out[0] == '-')) out[0] = '_';
  if (out == name && !out.empty()) return out;
  std::uint64_t hash = 1469598103934665603ULL;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  static constexpr char kHex[] = "0123456789abcdef";
  out += '-';
  for (int i = 0; i < 8; ++i) out += kHex[(hash >> (4 * i)) & 15U];
  return out;
}

std::string sparkline(std::span<const double> values, std::size_t columns, bool unicode) {
  static constexpr std::string_view kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::string_view kAscii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  std::vector<double> finite;
  for (const double value : values)
    if (std::isfinite(value)) finite.push_back(value);
  if (finite.empty() || columns == 0) return "";
  const std::size_t count = std::min(columns, finite.size());
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  const double range = *high / 2 - *low / 2;  // halves: the difference itself may overflow
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    // The last value of each column's share, so that the newest one always shows.
    const double value = finite[(i + 1) * finite.size() / count - 1];
    const double height = range > 0 ? (value / 2 - *low / 2) / range : 0;
    const auto level = static_cast<std::size_t>(std::lround(height * 7));
    out += unicode ? kBlocks[level] : kAscii[level];
  }
  return out;
}

}  // namespace warpbo::cli
