#include "study/json_text.hpp"

#include <nlohmann/json.hpp>

namespace warpbo::study {

namespace {

std::string dump(const nlohmann::json& value) { return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

}  // namespace

std::string json_string(std::string_view text) { return dump(nlohmann::json(text)); }

std::string json_strings(const std::vector<std::string>& texts) { return dump(nlohmann::json(texts)); }

bool is_json(std::string_view text) { return nlohmann::json::accept(text); }

std::string from_json_string(std::string_view json) {
  const nlohmann::json value = nlohmann::json::parse(json, nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string(json);
}

std::string printable(std::string_view text, std::size_t limit) {
  bool cut = false;
  if (text.size() > limit) {
    text = text.substr(0, limit);
    // Do not cut a character in half: drop the continuation bytes at the end and the byte that leads them.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0U) == 0x80U) text.remove_suffix(1);
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0U) text.remove_suffix(1);
    cut = true;
  }
  std::string out = from_json_string(json_string(text));
  if (cut) out += " ... (cut)";
  return out;
}

}  // namespace warpbo::study
