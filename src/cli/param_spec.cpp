#include "cli/param_spec.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <cmath>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

constexpr std::string_view kForms =
    "; the forms are 0..1, log:1e-5..1e-1, int:16..256:16, logint:1..1000, a,b,c, choice:a,b, ordinal:s,m,l, bool and value:7";

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "parameter " + quote(name) + ": " + what);
}

struct Word {
  std::string text;
  bool quoted = false;
};

/// Splits at commas outside of quotes.
std::vector<Word> split_choices(std::string_view name, std::string_view list) {
  std::vector<Word> words(1);
  char inside = 0;
  for (const char c : list) {
    Word& word = words.back();
    if (inside != 0) {
      if (c == inside) {
        inside = 0;
      } else {
        word.text += c;
      }
    } else if ((c == '\'' || c == '"') && trim(word.text).empty()) {
      inside = c;
      word.quoted = true;
      word.text.clear();
    } else if (c == ',') {
      words.emplace_back();
    } else if (!(word.quoted && (c == ' ' || c == '\t'))) {
      word.text += c;
    }
  }
  if (inside != 0) refuse(name, "the list " + quote(list) + " has an open quote");
  for (Word& word : words) {
    if (word.quoted) continue;
    word.text = std::string(trim(word.text));
    if (word.text.empty())
      refuse(name, "the list " + quote(list) + " has an empty choice; write '' if you mean an empty string");
  }
  return words;
}

/// Gives all choices the narrowest type that fits every one of them.
std::vector<Value> typed(const std::vector<Word>& words) {
  const auto all = [&](auto&& test) {
    return std::all_of(words.begin(), words.end(), [&](const Word& word) { return !word.quoted && test(word.text); });
  };
  std::vector<Value> values;
  const bool bools = all([](const std::string& text) { return text == "true" || text == "false"; });
  const bool integers = all([](const std::string& text) { return parse_integer(text).has_value(); });
  const bool numbers = all([](const std::string& text) {
    const auto number = parse_number(text);
    return number && std::isfinite(*number);
  });
  for (const Word& word : words) {
    if (bools) {
      values.emplace_back(word.text == "true");
    } else if (integers) {
      values.emplace_back(*parse_integer(word.text));
    } else if (numbers) {
      values.emplace_back(*parse_number(word.text));
    } else {
      values.emplace_back(word.text);
    }
  }
  return values;
}

struct Range {
  std::string_view low, high, step;
};

/// "low..high" or "low..high:step".
std::optional<Range> split_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  Range range{trim(text.substr(0, dots)), trim(text.substr(dots + 2)), {}};
  if (const std::size_t colon = range.high.find(':'); colon != std::string_view::npos) {
    range.step = trim(range.high.substr(colon + 1));
    range.high = trim(range.high.substr(0, colon));
    if (range.step.empty()) return std::nullopt;
  }
  return range;
}

double number_in(std::string_view name, std::string_view text, const char* what) {
  const auto value = parse_number(text);
  if (!value) refuse(name, std::string(what) + " " + quote(text) + " is not a number" + std::string(kForms));
  return *value;
}

std::int64_t integer_in(std::string_view name, std::string_view text, const char* what) {
  if (const auto value = parse_integer(text)) return *value;
  const auto number = parse_number(text);  // 1e6 is a fine integer
  if (number && *number == std::floor(*number) && std::abs(*number) <= 9007199254740992.0)
    return static_cast<std::int64_t>(*number);
  refuse(name, std::string(what) + " " + quote(text) + " is not an integer" + std::string(kForms));
}

/// Removes "word:" from the front.
bool take(std::string_view& text, std::string_view word) {
  if (text.size() <= word.size() || !text.starts_with(word) || text[word.size()] != ':') return false;
  text = trim(text.substr(word.size() + 1));
  return true;
}

/// Cuts " when condition" off; quotes hide the word.
std::string take_condition(std::string_view& spec) {
  char inside = 0;
  for (std::size_t i = 0; i + 6 <= spec.size(); ++i) {
    const char c = spec[i];
    if (inside != 0) {
      if (c == inside) inside = 0;
    } else if (c == '\'' || c == '"') {
      inside = c;
    } else if (spec.substr(i, 6) == " when ") {
      std::string condition(trim(spec.substr(i + 6)));
      spec = trim(spec.substr(0, i));
      return condition;
    }
  }
  return {};
}

std::string toml_value(const Value& value) {
  if (const auto* string = std::get_if<std::string>(&value)) return toml_string(*string);
  std::string out = warpbo::to_string(value);
  if (std::holds_alternative<double>(value) && out.find_first_of(".en") == std::string::npos) out += ".0";
  return out;
}

}  // namespace

ParameterSpec parse_param(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw Error(ErrorCode::invalid_argument, quote(text) + " is not name=spec" + std::string(kForms));
  return parse_param_spec(trim(text.substr(0, equals)), text.substr(equals + 1));
}

ParameterSpec parse_param_spec(std::string_view name, std::string_view text) {
  ParameterSpec spec;
  spec.name = std::string(name);
  std::string_view rest = trim(text);
  spec.condition = take_condition(rest);
  if (rest.empty()) refuse(name, "the specification is empty" + std::string(kForms));
  if (rest == "bool") {
    spec.kind = ParameterKind::categorical;
    spec.choices = {Value(false), Value(true)};
    return spec;
  }
  if (take(rest, "value")) {
    spec.kind = ParameterKind::constant;
    spec.choices = typed({split_choices(name, rest).front()});
    return spec;
  }
  const bool ordinal = take(rest, "ordinal");
  if (ordinal || take(rest, "choice")) {
    spec.kind = ordinal ? ParameterKind::ordinal : ParameterKind::categorical;
    spec.choices = typed(split_choices(name, rest));
    return spec;
  }
  bool integer = take(rest, "int");
  if (take(rest, "logint")) integer = spec.log = true;
  if (take(rest, "log")) spec.log = true;
  if (take(rest, "int")) integer = true;
  if (const auto range = split_range(rest)) {
    if (integer) {
      spec.kind = ParameterKind::integer;
      spec.int_low = integer_in(name, range->low, "the lower bound");
      spec.int_high = integer_in(name, range->high, "the upper bound");
      if (!range->step.empty()) spec.int_step = integer_in(name, range->step, "the step");
    } else {
      spec.kind = ParameterKind::real;
      spec.low = number_in(name, range->low, "the lower bound");
      spec.high = number_in(name, range->high, "the upper bound");
      if (!range->step.empty()) spec.step = number_in(name, range->step, "the step");
    }
    return spec;
  }
  if (integer || spec.log) refuse(name, quote(rest) + " is not a range low..high" + std::string(kForms));
  const std::vector<Word> words = split_choices(name, rest);
  if (words.size() < 2) refuse(name, quote(rest) + " is neither a range nor a list" + std::string(kForms));
  spec.kind = ParameterKind::categorical;
  spec.choices = typed(words);
  return spec;
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string to_toml(const ParameterSpec& spec) {
  std::string out = "{ ";
  const auto list = [&] {
    std::string text = "[";
    for (const Value& choice : spec.choices) text += (text.size() > 1 ? ", " : "") + toml_value(choice);
    return text + "]";
  };
  switch (spec.kind) {
    case ParameterKind::real:
      out += "float = [" + toml_value(spec.low) + ", " + toml_value(spec.high) + "]";
      break;
    case ParameterKind::integer:
      out += "int = [" + std::to_string(spec.int_low) + ", " + std::to_string(spec.int_high) + "]";
      break;
    case ParameterKind::categorical:
      out += "choice = " + list();
      break;
    case ParameterKind::ordinal:
      out += "ordinal = " + list();
      break;
    case ParameterKind::constant:
      out += "value = " + toml_value(spec.choices.at(0));
      break;
  }
  if (spec.log) out += ", log = true";
  if (spec.step) out += ", step = " + toml_value(*spec.step);
  if (spec.int_step) out += ", step = " + std::to_string(*spec.int_step);
  if (!spec.condition.empty()) out += ", when = " + toml_string(spec.condition);
  return out + " }";
}

Parameters::Entry parse_assignment(const Space& space, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos)
    throw Error(ErrorCode::invalid_argument, quote(text) + " is not name=value, for example lr=0.01");
  const std::string_view name = text.substr(0, equals);
  const std::string_view written = text.substr(equals + 1);
  const ParameterSpec* spec = space.find(name);
  if (spec == nullptr) {
    std::vector<std::string> names;
    for (const ParameterSpec& known : space.parameters()) names.push_back(known.name);
    throw Error(ErrorCode::invalid_argument, "no parameter named " + quote(name) + did_you_mean(name, names));
  }
  switch (spec->kind) {
    case ParameterKind::real:
      return {spec->name, Value(number_in(name, written, "the value"))};
    case ParameterKind::integer:
      return {spec->name, Value(integer_in(name, written, "the value"))};
    default:
      break;
  }
  const Value* found = nullptr;
  for (const Value& choice : spec->choices) {
    if (warpbo::to_string(choice) != written) continue;
    if (found != nullptr)
      refuse(name, "two choices are written " + quote(written) + " but have different types; use the library");
    found = &choice;
  }
  if (found != nullptr) return {spec->name, *found};
  std::string known;
  for (std::size_t i = 0; i < spec->choices.size() && i < 20; ++i)
    known += (i > 0 ? ", " : "") + quote(warpbo::to_string(spec->choices[i]));
  refuse(name, quote(written) + " is not one of " + known + (spec->choices.size() > 20 ? ", ..." : ""));
}

}  // namespace warpbo::cli
