/// The user's command: an argument list with placeholders, never a shell string.
///
/// Inside an argument, `{name}` stands for a parameter's value, and `{trial}`, `{trial_dir}`, `{result_file}`, `{params_file}`
/// for the trial's number, its directory and files; `{{` and `}}` are literal braces. An argument that names a parameter which
/// this trial does not have (its condition does not hold) is left out. Whole arguments of these forms expand to several:
///   ${args}             --name=value for each parameter that no {name} mentions
///   ${args_no_equals}   --name value, as two arguments
///   ${args_no_hyphens}  name=value (Hydra)
///   ${args_json}        all parameters as one JSON object
///   ${args_json_file}   the path of a file with that object
/// Values are passed byte for byte.
#pragma once

#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace warpbo::cli {

/// What placeholders beside the parameters stand for.
struct TrialPlace {
  std::int64_t number = 0;
  std::string directory;    ///< absolute
  std::string result_file;  ///< absolute
  std::string params_file;  ///< absolute
};

class CommandTemplate {
 public:
  /// Parses and checks against the space. Throws `invalid_argument` naming the argument, with a suggestion.
  CommandTemplate(std::vector<std::string> arguments, const Space& space);

  [[nodiscard]] std::vector<std::string> expand(const Parameters& parameters, const TrialPlace& place) const;
  /// One string with {placeholders}, such as a path.
  [[nodiscard]] static std::string expand_text(std::string_view text, const Parameters& parameters, const TrialPlace& place);
  /// Whether the text holds a placeholder that differs between trials.
  [[nodiscard]] static bool varies(std::string_view text);
  /// The program if it is the same for every trial, or empty.
  [[nodiscard]] std::string fixed_program() const;

 private:
  std::vector<std::string> arguments_;
  std::vector<std::string> mentioned_;  ///< parameters that some {name} mentions
};

/// The parameters as one line of JSON; integers exactly, reals in the shortest form.
[[nodiscard]] std::string params_json(const Parameters& parameters);

/// The variables every trial gets: WARPBO_TRIAL, WARPBO_STUDY, WARPBO_TRIAL_DIR, WARPBO_RESULT_FILE, WARPBO_PARAMS_FILE,
/// WARPBO_PARAMS_JSON and WARPBO_PARAM_<NAME> (upper case, other characters as '_'). Values above 64 KiB are left out: the file
/// has them.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> trial_environment(std::string_view study,
                                                                                 const Parameters& parameters,
                                                                                 const TrialPlace& place);

/// Where a program is: `name` itself if it contains '/', otherwise searched in `path`. On failure `problem` says why it cannot
/// run (missing, not executable, its interpreter missing).
struct Program {
  std::string file;
  std::string problem;
};
[[nodiscard]] Program find_program(const std::string& name, std::string_view path, const std::string& directory);

}  // namespace warpbo::cli
