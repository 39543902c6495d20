#include "storage/json.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <limits>

namespace warpbo::storage {

const Json* Json::find(std::string_view key) const noexcept {
  const auto* object = std::get_if<Object>(&value);
  if (object == nullptr) return nullptr;
  for (const auto& [name, member] : *object) {
    if (name == key) return &member;
  }
  return nullptr;
}

std::optional<double> Json::number() const noexcept {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

std::optional<std::int64_t> Json::integer() const noexcept {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  return std::nullopt;
}

namespace {

constexpr int kMaxDepth = 64;

void append_utf8(std::string& out, std::uint32_t code) {
  // A lone surrogate U+DC80 to U+DCFF stands for one byte that was not UTF-8 (PEP 383).
  if (code >= 0xDC80 && code <= 0xDCFF) {
    out += static_cast<char>(code - 0xDC00);
  } else if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Json> whole() {
    Json json;
    if (!read(json, 0)) return std::nullopt;
    skip_space();
    if (at_ != text_.size()) return std::nullopt;
    return json;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  bool take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  bool peek(char c) const { return at_ < text_.size() && text_[at_] == c; }

  bool read(Json& out, int depth) {
    if (depth > kMaxDepth) return false;
    skip_space();
    if (at_ >= text_.size()) return false;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    switch (text_[at_]) {
      case '{':
        return read_object(out, depth);
      case '[':
        return read_array(out, depth);
      case '"':
        out.value = std::string();
        return read_string(std::get<std::string>(out.value));
      case 'n':
        out.value = nullptr;
        return take("null");
      case 't':
        out.value = true;
        return take("true");
      case 'f':
        out.value = false;
        return take("false");
      case 'N':
        out.value = std::numeric_limits<double>::quiet_NaN();
        return take("NaN");
      case 'I':
        out.value = kInfinity;
        return take("Infinity");
      default:
        break;
    }
    if (take("-Infinity")) {
      out.value = -kInfinity;
      return true;
    }
    return read_number(out);
  }

  bool read_object(Json& out, int depth) {
    ++at_;
    Json::Object object;
    skip_space();
    if (!take("}")) {
      do {
        skip_space();
        std::string key;
        Json member;
        if (!peek('"') || !read_string(key)) return false;
        skip_space();
        if (!take(":") || !read(member, depth + 1)) return false;
        object.emplace_back(std::move(key), std::move(member));
        skip_space();
      } while (take(","));
      if (!take("}")) return false;
    }
    out.value = std::move(object);
    return true;
  }

  bool read_array(Json& out, int depth) {
    ++at_;
    Json::Array array;
    skip_space();
    if (!take("]")) {
      do {
        Json element;
        if (!read(element, depth + 1)) return false;
        array.push_back(std::move(element));
        skip_space();
      } while (take(","));
      if (!take("]")) return false;
    }
    out.value = std::move(array);
    return true;
  }

  bool read_number(Json& out) {
    const std::size_t begin = at_;
    bool real = false;
    if (peek('-')) ++at_;
    if (at_ >= text_.size() || text_[at_] < '0' || text_[at_] > '9') return false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '.' || c == 'e' || c == 'E') real = true;
      if (!(c >= '0' && c <= '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-') break;
      ++at_;
    }
    const char* first = text_.data() + begin;
    const char* last = text_.data() + at_;
    if (!real) {
      std::int64_t whole = 0;
      const auto [end, error] = std::from_chars(first, last, whole);
      if (error == std::errc() && end == last) {
        out.value = whole;
        return true;
      }
    }
    double value = 0;
    const auto [end, error] = std::from_chars(first, last, value);
    out.value = value;
    return error == std::errc() && end == last;
  }

  bool read_hex(std::uint32_t& code) {
    if (at_ + 4 > text_.size()) return false;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, first + 4, code, 16);
    at_ += 4;
    return error == std::errc() && end == first + 4;
  }

  bool read_escape(std::string& out) {
    if (at_ >= text_.size()) return false;
    switch (text_[at_++]) {
      case '"':
        out += '"';
        return true;
      case '\\':
        out += '\\';
        return true;
      case '/':
        out += '/';
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        break;
      default:
        return false;
    }
    std::uint32_t code = 0;
    if (!read_hex(code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const std::size_t mark = at_;
      std::uint32_t low = 0;
      at_ += 2;
      if (!read_hex(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = mark;
      }
    }
    append_utf8(out, code);
    return true;
  }

  bool read_string(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      ++at_;
      if (c == '\\') {
        if (!read_escape(out)) return false;
      } else {
        out += c;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void append_unicode_escape(std::string& out, std::uint32_t unit) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[(unit >> shift) & 0xF];
}

/// Length and code point of the UTF-8 sequence at the start of `bytes`; length 0 if it is not valid (overlong, surrogate, too
/// large).
std::pair<std::size_t, std::uint32_t> decode_utf8(std::string_view bytes) {
  const auto byte = [&](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(bytes[i]); };
  const std::uint32_t lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xF0 && lead < 0xF8 ? 4
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xC0 && lead < 0xE0 ? 2
                                                           : 0;
  if (length == 0 || bytes.size() < length) return {0, 0};
  if (length == 1) return {1, lead};
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    code = (code << 6) | (byte(i) & 0x3F);
  }
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {0, 0};
  return {length, code};
}

}  // namespace

std::optional<Json> parse_json(std::string_view text) { return Parser(text).whole(); }

bool is_json(std::string_view text) { return nlohmann::json::accept(text); }

void append_json_string(std::string& out, std::string_view bytes) {
  out += '"';
  while (!bytes.empty()) {
    const auto [length, code] = decode_utf8(bytes);
    if (length == 0) {
      append_unicode_escape(out, 0xDC00U + static_cast<unsigned char>(bytes[0]));
    } else if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\r') {
      out += "\\r";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\b') {
      out += "\\b";
    } else if (code == '\f') {
      out += "\\f";
    } else if (code >= 0x10000) {
      append_unicode_escape(out, 0xD800 + ((code - 0x10000) >> 10));
      append_unicode_escape(out, 0xDC00 + ((code - 0x10000) & 0x3FF));
    } else if (code < 0x20 || code > 0x7E) {
      append_unicode_escape(out, code);
    } else {
      out += static_cast<char>(code);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void append_json_real(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  // Python's repr: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on.
  const double size = std::fabs(value);
  const bool exponent = size != 0 && (size < 1e-4 || size >= 1e16);
  char buffer[64];
  const auto result =
      std::to_chars(buffer, buffer + sizeof buffer, value, exponent ? std::chars_format::scientific : std::chars_format::fixed);
  const std::string_view text(buffer, static_cast<std::size_t>(result.ptr - buffer));
  out += text;
  if (!exponent && text.find('.') == std::string_view::npos) out += ".0";
}

void append_json_value(std::string& out, const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*whole);
  } else if (const auto* real = std::get_if<double>(&value)) {
    append_json_real(out, *real);
  } else {
    append_json_string(out, std::get<std::string>(value));
  }
}

}  // namespace warpbo::storage
