#include "cli/command.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <warpbo/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

constexpr std::size_t kLongestVariable = 64 << 10;
const std::vector<std::string> kPlaces = {"trial", "trial_dir", "result_file", "params_file"};
const std::vector<std::string> kMacros = {"${args}", "${args_no_equals}", "${args_no_hyphens}", "${args_json}",
                                          "${args_json_file}"};

bool is_macro(std::string_view argument) { return std::find(kMacros.begin(), kMacros.end(), argument) != kMacros.end(); }

/// One piece of an argument: literal text or a placeholder's name.
struct Piece {
  bool placeholder = false;
  std::string text;
};

std::vector<Piece> split(std::string_view argument) {
  std::vector<Piece> pieces(1);
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::invalid_argument,
                "command argument " + quote(argument) + ": " + what + "; literal braces are written {{ and }}");
  };
  for (std::size_t i = 0; i < argument.size(); ++i) {
    const char c = argument[i];
    const bool doubled = i + 1 < argument.size() && argument[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      pieces.back().text += c;
      ++i;
    } else if (c == '{') {
      const std::size_t close = argument.find_first_of("{}", i + 1);
      if (close == std::string_view::npos || argument[close] != '}') refuse("a { is not closed");
      pieces.push_back({true, std::string(argument.substr(i + 1, close - i - 1))});
      pieces.emplace_back();
      i = close;
    } else if (c == '}') {
      refuse("a } has no {");
    } else {
      pieces.back().text += c;
    }
  }
  return pieces;
}

std::optional<std::string> place_value(std::string_view name, const TrialPlace& place) {
  if (name == "trial") return std::to_string(place.number);
  if (name == "trial_dir") return place.directory;
  if (name == "result_file") return place.result_file;
  if (name == "params_file") return place.params_file;
  return std::nullopt;
}

/// The argument with its values, or nothing when it names an absent parameter. A parameter hides a place of the same name.
std::optional<std::string> fill(std::string_view argument, const Parameters& parameters, const TrialPlace& place) {
  std::string out;
  for (const Piece& piece : split(argument)) {
    if (!piece.placeholder) {
      out += piece.text;
    } else if (const Value* value = parameters.find(piece.text)) {
      out += warpbo::to_string(*value);
    } else if (const auto known = place_value(piece.text, place)) {
      out += *known;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string interpreter_problem(const std::string& file) {
  char head[256] = {};
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};  // executable but not readable: let the kernel decide
  const ssize_t length = read(fd, head, sizeof head - 1);
  close(fd);
  const std::string_view text(head, length > 0 ? static_cast<std::size_t>(length) : 0);
  if (text.starts_with("\x7f"
                       "ELF"))
    return {};
  if (!text.starts_with("#!")) {
    const bool readable = !text.empty() && text.find('\0') == std::string_view::npos;
    return readable ? quote(file) + " is a script without a #! line; add one, or write the interpreter before it"
                    : std::string();
  }
  const std::string_view line = trim(text.substr(2, text.find('\n') - 2));
  const std::string interpreter(line.substr(0, line.find_first_of(" \t")));
  if (access(interpreter.c_str(), X_OK) == 0) return {};
  return "the interpreter " + quote(interpreter) + " in the #! line of " + quote(file) +
         " cannot be run: " + std::strerror(errno);
}

}  // namespace

CommandTemplate::CommandTemplate(std::vector<std::string> arguments, const Space& space) : arguments_(std::move(arguments)) {
  if (arguments_.empty())
    throw Error(ErrorCode::invalid_argument, "there is no command; write it after --, or as [command] run");
  std::vector<std::string> known = kPlaces;
  for (const ParameterSpec& spec : space.parameters()) known.push_back(spec.name);
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const std::string& argument = arguments_[i];
    if (is_macro(argument)) continue;
    if (argument.find('\0') != std::string::npos)
      throw Error(ErrorCode::invalid_argument,
                  "command argument " + quote(argument) + " holds a NUL byte, which no argument can");
    if (argument.starts_with("${"))
      throw Error(ErrorCode::invalid_argument, "command argument " + quote(argument) +
                                                   " is not a macro; there are ${args}, ${args_no_equals}, ${args_no_hyphens}, "
                                                   "${args_json} and ${args_json_file}, and no shell expands variables" +
                                                   did_you_mean(argument, kMacros));
    const std::vector<Piece> pieces = split(argument);
    for (const Piece& piece : pieces) {
      if (!piece.placeholder) continue;
      if (std::find(known.begin(), known.end(), piece.text) == known.end())
        throw Error(ErrorCode::invalid_argument, "command argument " + quote(argument) + " names " + quote(piece.text) +
                                                     ", which is no parameter" + did_you_mean(piece.text, known) +
                                                     " (literal braces are written {{ and }})");
      const ParameterSpec* spec = space.find(piece.text);
      if (spec == nullptr) continue;
      mentioned_.push_back(piece.text);
      const bool whole = pieces.size() == 3 && pieces[0].text.empty() && pieces[2].text.empty();
      const bool after_option =
          i > 1 && arguments_[i - 1].starts_with("-") && arguments_[i - 1].find_first_of("={") == std::string::npos;
      if (!spec->condition.empty() && whole && after_option)
        throw Error(ErrorCode::invalid_argument,
                    "command arguments " + quote(arguments_[i - 1]) + ", " + quote(argument) + ": a trial without " +
                        quote(piece.text) + " would leave the option without its value; write " +
                        quote(arguments_[i - 1] + "=" + argument) + " as one argument, or use ${args}");
    }
  }
}

std::vector<std::string> CommandTemplate::expand(const Parameters& parameters, const TrialPlace& place) const {
  std::vector<std::string> out;
  for (const std::string& argument : arguments_) {
    if (argument == "${args_json}") {
      out.push_back(params_json(parameters));
    } else if (argument == "${args_json_file}") {
      out.push_back(place.params_file);
    } else if (is_macro(argument)) {
      for (const auto& [name, value] : parameters) {
        if (std::find(mentioned_.begin(), mentioned_.end(), name) != mentioned_.end()) continue;
        const std::string text = warpbo::to_string(value);
        if (argument == "${args_no_equals}") {
          out.push_back("--" + name);
          out.push_back(text);
        } else {
          out.push_back((argument == "${args}" ? "--" : "") + name + "=" + text);
        }
      }
    } else if (auto filled = fill(argument, parameters, place)) {
      out.push_back(std::move(*filled));
    }
  }
  return out;
}

std::string CommandTemplate::expand_text(std::string_view text, const Parameters& parameters, const TrialPlace& place) {
  auto filled = fill(text, parameters, place);
  if (!filled) throw Error(ErrorCode::invalid_argument, quote(text) + " names a parameter that this trial does not have");
  return *filled;
}

bool CommandTemplate::varies(std::string_view text) {
  const std::vector<Piece> pieces = split(text);
  return std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.placeholder && std::find(kPlaces.begin(), kPlaces.end(), piece.text) != kPlaces.end();
  });
}

std::string CommandTemplate::fixed_program() const {
  if (is_macro(arguments_[0])) return {};
  const std::vector<Piece> pieces = split(arguments_[0]);
  return pieces.size() == 1 ? pieces[0].text : std::string();
}

std::string params_json(const Parameters& parameters) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : parameters) std::visit([&, &key = name](const auto& v) { object[key] = v; }, value);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::pair<std::string, std::string>> trial_environment(std::string_view study, const Parameters& parameters,
                                                                   const TrialPlace& place) {
  std::vector<std::pair<std::string, std::string>> out = {{"WARPBO_TRIAL", std::to_string(place.number)},
                                                          {"WARPBO_STUDY", std::string(study)},
                                                          {"WARPBO_TRIAL_DIR", place.directory},
                                                          {"WARPBO_RESULT_FILE", place.result_file},
                                                          {"WARPBO_PARAMS_FILE", place.params_file}};
  const auto add = [&](std::string name, std::string value) {
    if (value.size() <= kLongestVariable && value.find('\0') == std::string::npos)
      out.emplace_back(std::move(name), std::move(value));
  };
  add("WARPBO_PARAMS_JSON", params_json(parameters));
  for (const auto& [name, value] : parameters) {
    std::string variable = "WARPBO_PARAM_";
    for (const char c : name) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      variable += letter ? static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) : '_';
    }
    add(std::move(variable), warpbo::to_string(value));
  }
  return out;
}

Program find_program(const std::string& name, std::string_view path, const std::string& directory) {
  const auto absolute = [&](const std::string& file) { return file.starts_with('/') ? file : directory + "/" + file; };
  const auto usable = [](const std::string& file) {
    struct stat info {};
    return stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(file.c_str(), X_OK) == 0;
  };
  if (name.empty()) return {{}, "the command's first argument is empty; it must name a program"};
  if (name.find('/') != std::string::npos) {
    const std::string file = absolute(name);
    struct stat info {};
    if (stat(file.c_str(), &info) != 0) return {file, "command " + quote(name) + " cannot be run: " + std::strerror(errno)};
    if (!S_ISREG(info.st_mode)) return {file, "command " + quote(name) + " is not a file that can be run"};
    if (!usable(file)) return {file, "command " + quote(name) + " is not executable; try: chmod +x " + shell_quote(name)};
    return {file, interpreter_problem(file)};
  }
  std::string refused;
  while (true) {
    const std::size_t colon = path.find(':');
    const std::string folder(path.substr(0, colon));
    const std::string file = absolute(folder.empty() ? "./" + name : folder + "/" + name);
    if (usable(file)) return {file, interpreter_problem(file)};
    if (refused.empty() && access(file.c_str(), F_OK) == 0) refused = file;
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  if (!refused.empty()) return {refused, "command " + quote(refused) + " is not executable"};
  return {name, "command " + quote(name) + " was not found in PATH; a program in the current directory is written ./" + name};
}

}  // namespace warpbo::cli
