/// One line of output: a flat JSON object whose entries keep their order.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace warpbo::bench {

class Record {
 public:
  void set(std::string_view key, std::string_view text) { put(key, quoted(text)); }
  void set(std::string_view key, const char* text) { put(key, quoted(text)); }
  void set(std::string_view key, bool value) { put(key, value ? "true" : "false"); }
  void set(std::string_view key, std::int64_t value) { put(key, std::to_string(value)); }
  void set(std::string_view key, int value) { put(key, std::to_string(value)); }
  /// JSON has no infinities and no NaN: they are written as null.
  void set(std::string_view key, double value) {
    char text[40] = "null";
    if (std::isfinite(value)) (void)std::snprintf(text, sizeof text, "%.9g", value);
    put(key, text);
  }

  [[nodiscard]] std::string line() const {
    std::string out = "{";
    for (const auto& [key, value] : entries_) out += (out.size() > 1 ? ", " : "") + quoted(key) + ": " + value;
    return out + "}";
  }

 private:
  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + "\"";
  }
  void put(std::string_view key, std::string value) {
    for (auto& [name, old] : entries_)
      if (name == key) {
        old = std::move(value);
        return;
      }
    entries_.emplace_back(key, std::move(value));
  }
  std::vector<std::pair<std::string, std::string>> entries_;
};

}  // namespace warpbo::bench
