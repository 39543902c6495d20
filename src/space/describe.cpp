#include "space/describe.hpp"

#include "base/text.hpp"
#include "space/spec.hpp"

#include <algorithm>

namespace warpbo::space {

namespace {

std::string domain_words(const ParameterSpec& spec) {
  std::string out(kind_name(spec.kind));
  switch (spec.kind) {
    case ParameterKind::real:
      out += " " + text::format_number(spec.low) + " .. " + text::format_number(spec.high);
      if (spec.step) out += ", step " + text::format_number(*spec.step);
      break;
    case ParameterKind::integer:
      out += " " + std::to_string(spec.int_low) + " .. " + std::to_string(spec.int_high);
      if (spec.int_step) out += ", step " + std::to_string(*spec.int_step);
      break;
    case ParameterKind::categorical:
    case ParameterKind::ordinal:
    case ParameterKind::constant:
      out += " " + list_choices(spec.choices);
      break;
  }
  if (spec.log) out += ", log";
  if (!spec.condition.empty()) out += ", when " + spec.condition;
  return out;
}

/// Long lists look alike at their beginning, so the choices that differ are named.
std::string choice_differences(const ParameterSpec& stored, const ParameterSpec& asked) {
  const auto missing = [](std::vector<Value> from, std::vector<Value> in) {
    std::sort(from.begin(), from.end());
    std::sort(in.begin(), in.end());
    std::vector<Value> out;
    std::set_difference(from.begin(), from.end(), in.begin(), in.end(), std::back_inserter(out));
    return out;
  };
  const std::vector<Value> added = missing(asked.choices, stored.choices);
  const std::vector<Value> removed = missing(stored.choices, asked.choices);
  std::string out;
  if (!added.empty()) out += "; added: " + list_choices(added);
  if (!removed.empty()) out += "; removed: " + list_choices(removed);
  if (added.empty() && removed.empty() && stored.choices != asked.choices) out += "; the choices are in another order";
  return out;
}

}  // namespace

std::string describe(const ParameterSpec& spec) {
  const std::string quoted = text::quote(spec.name, 200);
  // Shown bare unless quoting had to change something.
  const bool plain = quoted.size() == spec.name.size() + 2;
  return (plain ? spec.name : quoted) + ": " + domain_words(spec);
}

std::vector<std::string> differences(const Space& stored, const Space& asked) {
  std::vector<std::string> out;
  for (const ParameterSpec& spec : stored.parameters()) {
    const ParameterSpec* other = asked.find(spec.name);
    if (other == nullptr) {
      out.push_back(label(spec.name) + ": stored as " + domain_words(spec) + "; absent from what was asked for");
    } else if (!(*other == spec)) {
      out.push_back(label(spec.name) + ": stored as " + domain_words(spec) + "; asked for as " + domain_words(*other) +
                    choice_differences(spec, *other));
    }
  }
  for (const ParameterSpec& spec : asked.parameters())
    if (stored.find(spec.name) == nullptr) out.push_back(label(spec.name) + ": not stored; asked for as " + domain_words(spec));
  for (const std::string& constraint : stored.constraints())
    if (std::count(asked.constraints().begin(), asked.constraints().end(), constraint) == 0)
      out.push_back("constraint " + text::quote(constraint) + ": stored; absent from what was asked for");
  for (const std::string& constraint : asked.constraints())
    if (std::count(stored.constraints().begin(), stored.constraints().end(), constraint) == 0)
      out.push_back("constraint " + text::quote(constraint) + ": not stored; asked for");
  if (out.empty() && !(stored == asked)) out.push_back("the parameters or constraints are in another order");
  return out;
}

}  // namespace warpbo::space
