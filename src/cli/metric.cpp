#include "cli/metric.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

constexpr std::size_t kLongestPiece = 64 << 10;
constexpr std::size_t kRegexLine = 4 << 10;  // std::regex recurses once per character

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Without ECMA-48 colour and cursor sequences (ESC [ ... letter).
std::string without_colours(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      i += 2;
      while (i < line.size() && (line[i] < '@' || line[i] > '~')) ++i;
    } else {
      out += line[i];
    }
  }
  return out;
}

struct Number {
  double value = 0;
  std::size_t length = 0;  ///< 0: there is none
};

/// The longest number at the front: [+-] digits [. digits] [e [+-] digits], or nan, inf, infinity.
Number number_at(std::string_view text) {
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  const bool negative = i == 1 && text[0] == '-';
  for (const std::string_view word : {"infinity", "inf", "nan"}) {
    if (text.size() - i < word.size()) continue;
    if (!std::equal(word.begin(), word.end(), text.begin() + static_cast<std::ptrdiff_t>(i),
                    [](char a, char b) { return a == lower(b); }))
      continue;
    const double magnitude = word == "nan" ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
    return {negative ? -magnitude : magnitude, i + word.size()};
  }
  const std::size_t first = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  std::size_t digits = i - first;
  if (i < text.size() && text[i] == '.') {
    const std::size_t point = i++;
    while (i < text.size() && is_digit(text[i])) ++i;
    digits += i - point - 1;
  }
  if (digits == 0) return {};
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    std::size_t k = i + 1;
    if (k < text.size() && (text[k] == '+' || text[k] == '-')) ++k;
    if (k < text.size() && is_digit(text[k])) {
      while (k < text.size() && is_digit(text[k])) ++k;
      i = k;
    }
  }
  const auto value = parse_number(text.substr(0, i));
  return value ? Number{*value, i} : Number{};
}

/// Whether a number may end here: not in the middle of something longer.
bool ends_number(std::string_view rest) {
  if (rest.empty()) return true;
  if (is_word(rest[0])) return false;
  const bool more = rest.size() > 1 && (is_digit(rest[1]) || is_word(rest[1]));
  return !((rest[0] == ',' || rest[0] == '.' || rest[0] == '+' || rest[0] == '-') && more);
}

/// name=value or name: value at position `at` of the name.
bool match_at(std::string_view line, std::size_t at, std::string_view name, MetricMatch& match) {
  if (at > 0 && (is_word(line[at - 1]) || line[at - 1] == '.' || line[at - 1] == '/' || line[at - 1] == '-') &&
      is_word(name[0])) {
    // "--loss=1" is an echoed option, "a.loss" and "val/loss" are other names.
    return false;
  }
  std::size_t i = at + name.size();
  if (i < line.size() && (line[i] == '"' || line[i] == '\'') && at > 0 && line[at - 1] == line[i]) ++i;
  while (i < line.size() && is_blank(line[i])) ++i;
  if (i >= line.size() || (line[i] != '=' && line[i] != ':')) return false;
  ++i;
  if (i < line.size() && line[i] == '=') return false;  // a comparison
  while (i < line.size() && is_blank(line[i])) ++i;
  const Number number = number_at(line.substr(i));
  if (number.length > 0 && ends_number(line.substr(i + number.length))) {
    match.value = number.value;
    return true;
  }
  match.near_miss = std::string(line.substr(at, 80));
  return false;
}

/// A member by its whole name or by a dotted path.
const nlohmann::json* member(const nlohmann::json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  if (const auto found = object.find(std::string(name)); found != object.end()) return &*found;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const auto outer = object.find(std::string(name.substr(0, dot)));
    if (outer == object.end()) continue;
    if (const nlohmann::json* inner = member(*outer, name.substr(dot + 1))) return inner;
  }
  return nullptr;
}

/// True if the text is a JSON object; its member then decides.
bool match_json(std::string_view text, std::string_view name, MetricMatch& match, bool& found) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return false;
  const nlohmann::json* value = member(object, name);
  if (value == nullptr) return true;
  if (value->is_number()) {
    match.value = value->get<double>();
    found = true;
  } else if (value->is_string()) {
    const std::string word(trim(value->get<std::string>()));
    const Number number = number_at(word);
    if (number.length == word.size() && number.length > 0) {
      match.value = number.value;
      found = true;
    }
  } else if (value->is_null()) {
    match.value = std::numeric_limits<double>::quiet_NaN();  // how many JSON writers put NaN
    found = true;
  }
  if (!found)
    match.near_miss = std::string(name) + ": " + value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return true;
}

}  // namespace

bool match_line(std::string_view raw, std::string_view name, MetricMatch& match) {
  if (name.empty() || raw.size() < name.size()) return false;
  std::string clean;
  if (raw.find('\x1b') != std::string_view::npos) clean = without_colours(raw);
  std::string_view line = clean.empty() ? raw : std::string_view(clean);
  std::string_view body = trim(line);
  if (body.starts_with("[tune-metric]:")) body = trim(body.substr(14));
  bool found = false;
  if (!body.empty() && body.front() == '{' && body.back() == '}' && match_json(body, name, match, found)) return found;
  for (std::size_t at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1))
    if (match_at(line, at, name, match)) found = true;
  return found;
}

MetricMatch match_text(std::string_view text, std::string_view name) {
  MetricMatch match;
  const std::string_view body = trim(text);
  const Number number = number_at(body);
  if (number.length > 0 && number.length == body.size()) {
    match.value = number.value;
    return match;
  }
  bool found = false;
  if (body.starts_with('{') && match_json(body, name, match, found)) return match;
  MetricScanner scanner{std::string(name)};
  scanner.feed(text);
  scanner.finish();
  match = scanner.match();
  if (!match.value && match.near_miss.empty()) match.near_miss = std::string(body.substr(0, 80));
  return match;
}

void check_regex(const std::string& regex) {
  try {
    const std::regex compiled(regex, std::regex::ECMAScript);
    if (compiled.mark_count() != 1)
      throw Error(ErrorCode::invalid_argument, "the regular expression " + quote(regex) + " has " +
                                                   std::to_string(compiled.mark_count()) +
                                                   " groups; it needs exactly one, around the number: loss is ([-+.eE0-9]+)");
  } catch (const std::regex_error& error) {
    throw Error(ErrorCode::invalid_argument, "the regular expression " + quote(regex) + " is not valid: " + error.what());
  }
}

MetricMatch match_regex(std::string_view text, const std::string& regex) {
  MetricMatch match;
  const std::regex compiled(regex, std::regex::ECMAScript | std::regex::optimize);
  while (!text.empty()) {
    const std::size_t end = std::min({text.find('\n'), text.size(), kRegexLine});
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + (end < text.size() && text[end] == '\n' ? 1 : 0));
    for (std::cregex_iterator at(line.data(), line.data() + line.size(), compiled), none; at != none; ++at) {
      const std::string group = (*at)[1].str();
      const std::string word(trim(group));
      const Number number = number_at(word);
      if (number.length > 0 && number.length == word.size()) {
        match.value = number.value;
      } else {
        match.near_miss = at->str().substr(0, 80);
      }
    }
  }
  return match;
}

void MetricScanner::line(std::string_view text) {
  match_line(text, name_, match_);
  const std::string_view body = trim(text);
  if (!body.empty()) last_line_ = std::string(body.substr(0, 300));
}

void MetricScanner::feed(std::string_view chunk) {
  while (!chunk.empty()) {
    const std::size_t newline = chunk.find_first_of("\n\r");  // a lone \r redraws a progress bar: also a line
    const std::size_t take =
        std::min(newline == std::string_view::npos ? chunk.size() : newline, kLongestPiece - buffer_.size());
    buffer_ += chunk.substr(0, take);
    chunk.remove_prefix(take);
    if (!chunk.empty() && (chunk.front() == '\n' || chunk.front() == '\r')) {
      chunk.remove_prefix(1);
      line(buffer_);
      buffer_.clear();
    } else if (buffer_.size() >= kLongestPiece) {
      // Cut at a blank so that no number is cut in two, and keep the words before it: a name may contain blanks.
      std::size_t cut = buffer_.find_last_of(" \t", buffer_.size() - std::min(buffer_.size(), 2 * name_.size() + 64));
      if (cut == std::string::npos || cut < kLongestPiece / 2) cut = buffer_.size();
      line(std::string_view(buffer_).substr(0, cut));
      buffer_.erase(0, cut);
    }
  }
}

void MetricScanner::finish() {
  line(buffer_);
  buffer_.clear();
}

}  // namespace warpbo::cli
