/// What a sweep is: the contents of `warpbo.toml`, or the same from flags.
#pragma once

#include <warpbo/sampler.hpp>
#include <warpbo/space.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/metric.hpp"

namespace warpbo::cli {

/// One parameter, and the value that the first trial shall take.
struct ParamDeclaration {
  ParameterSpec spec;
  std::optional<Value> first;
};

/// How the user's command is run.
struct CommandConfig {
  std::vector<std::string> run;  ///< argument list with templates
  MetricRule metric;
  double timeout = 0;                                    ///< seconds; 0: none
  double grace = 5;                                      ///< seconds between SIGTERM and SIGKILL
  int retries = 0;                                       ///< further attempts of a trial that failed
  bool retry_killed_only = false;                        ///< retry only trials that a signal ended (pre-emption, out of memory)
  bool accept_nonzero = false;                           ///< take the metric although the exit status is not 0
  std::vector<std::pair<std::string, std::string>> env;  ///< added to the environment; never stored
  std::int64_t log_limit = 16 << 20;                     ///< bytes kept per stream and trial
};

/// When to stop. The counts are those of the store, so several `warpbo run` share one budget.
struct BudgetConfig {
  std::optional<std::int64_t> trials;      ///< all trials of the study, failed ones included
  int jobs = 1;                            ///< trials at a time
  double time = 0;                         ///< seconds of this run; 0: none
  std::optional<double> target;            ///< stop once the best value is as good
  std::optional<std::int64_t> max_failed;  ///< stop after that many failed trials
};

struct Config {
  std::string source;           ///< the file's name, or empty
  std::string directory = ".";  ///< relative paths start here, and so does the command
  std::string name;
  std::string store;      ///< "sqlite:FILE", relative to `directory`; empty: runs/<name>/study.db
  std::string objective;  ///< the metric's name; empty: not given
  Direction direction = Direction::minimize;
  CommandConfig command;
  BudgetConfig budget;
  std::vector<ParamDeclaration> params;
  std::vector<std::string> constraints;
  SamplerOptions sampler;

  /// The space of `params` and `constraints`, validated. Throws `invalid_argument`.
  [[nodiscard]] Space space() const;
  /// `store` with its default and made relative to `directory`.
  [[nodiscard]] std::string store_url() const;
  /// runs/<name> under `directory`, where logs go.
  [[nodiscard]] std::string run_directory() const;
};

/// Reads a sweep file. Throws `invalid_argument` with file:line:column, and `not_found` when there is no such file.
[[nodiscard]] Config load_config(const std::string& path);
/// The same from text; `source` is used in messages.
[[nodiscard]] Config parse_config(std::string_view toml, const std::string& source);

/// Reads "infer", "deterministic" or "noisy". Throws `invalid_argument`.
[[nodiscard]] Noise parse_noise(std::string_view text);

/// A commented sweep file that `load_config` reads back. Throws `invalid_argument` if the parameters do not form a space.
[[nodiscard]] std::string write_config(const Config& config);

}  // namespace warpbo::cli
