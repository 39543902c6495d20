#include "base/text.hpp"

#include <warpbo/trial.hpp>

#include <algorithm>

namespace warpbo {

std::string to_string(const Value& value) {
  struct Visitor {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return text::format_number(v); }
    std::string operator()(const std::string& v) const { return v; }
  };
  return std::visit(Visitor{}, value);
}

std::string_view to_string(TrialState state) noexcept {
  switch (state) {
    case TrialState::running:
      return "running";
    case TrialState::complete:
      return "complete";
    case TrialState::pruned:
      return "pruned";
    case TrialState::failed:
      return "failed";
    case TrialState::waiting:
      return "waiting";
  }
  return "running";
}

Parameters::Parameters(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

void Parameters::set(std::string_view name, Value value) {
  for (Entry& entry : entries_) {
    if (entry.first == name) {
      entry.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(std::string(name), std::move(value));
}

const Value* Parameters::find(std::string_view name) const noexcept {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.first == name; });
  return at == entries_.end() ? nullptr : &at->second;
}

const Value& Parameters::at(std::string_view name) const {
  if (const Value* value = find(name)) return *value;
  throw Error(ErrorCode::not_found, "no parameter named " + text::quote(name) +
                                        "; a conditional parameter is absent when its condition does not hold");
}

namespace {

[[noreturn]] void wrong_type(std::string_view name, const Value& value, const char* wanted) {
  static constexpr const char* kTypes[] = {"bool", "integer", "real", "string"};
  throw Error(ErrorCode::invalid_argument, "parameter " + text::quote(name) + " is the " + kTypes[value.index()] + " " +
                                               text::quote(to_string(value)) + ", not a " + wanted);
}

template <class T>
const T& held(std::string_view name, const Value& value, const char* wanted) {
  if (const T* typed = std::get_if<T>(&value)) return *typed;
  wrong_type(name, value, wanted);
}

}  // namespace

template <>
bool Parameters::get<bool>(std::string_view name) const {
  return held<bool>(name, at(name), "bool");
}

template <>
std::int64_t Parameters::get<std::int64_t>(std::string_view name) const {
  return held<std::int64_t>(name, at(name), "integer");
}

template <>
int Parameters::get<int>(std::string_view name) const {
  const std::int64_t value = get<std::int64_t>(name);
  if (value != static_cast<int>(value)) wrong_type(name, value, "value that fits an int; read it as std::int64_t");
  return static_cast<int>(value);
}

template <>
double Parameters::get<double>(std::string_view name) const {
  const Value& value = at(name);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return held<double>(name, value, "number");
}

template <>
std::string Parameters::get<std::string>(std::string_view name) const {
  return held<std::string>(name, at(name), "string");
}

}  // namespace warpbo
