/// What the flags of the command line say, and the study that they mean.
#pragma once

#include <warpbo/study.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/config.hpp"

namespace warpbo::cli {

/// The flags of all subcommands; each subcommand offers some of them.
struct Flags {
  std::string file, store, study;
  std::string minimize, maximize, metric_regex, metric_file;
  std::vector<std::string> params, constraints, fixed, words;
  std::vector<std::string> command;  ///< what stands behind --
  std::optional<std::int64_t> trials, max_failed, seed, number;
  std::optional<int> jobs, retries;
  std::string time, timeout, device, sampler, noise, value, failure, format, output;
  std::optional<double> target, max_seconds_per_ask;
  int count = 1;
  bool accept_nonzero = false, plain = false, quiet = false, json = false, force = false, requeue = false, raw = false;
};

/// The sweep file (`--file`, or warpbo.toml if it is there and the flags alone do not say everything) with the flags laid over
/// it.
[[nodiscard]] Config make_config(const Flags& flags);

/// A study to look at or to change by hand.
struct Found {
  Config config;  ///< without parameters if there was no sweep file
  std::string store;
  std::string name;
};
/// Finds the study that `--store` and `--study`, the sweep file, or a single runs/*/study.db below the current directory mean.
/// Throws `not_found` and says where it looked.
[[nodiscard]] Found find_study(const Flags& flags);

/// Opens a store. A file that is no store throws `unavailable`: for the command that is a failing store, not wrong usage.
[[nodiscard]] std::shared_ptr<Storage> open_store(const std::string& url, OpenMode mode);

/// Writes to standard output, all of it; a closed pipe is not an error.
void print(const std::string& text);

int run_command(const Flags& flags);
int init_command(const Flags& flags);
int status_command(const Flags& flags);
int best_command(const Flags& flags);
int export_command(const Flags& flags);
int ask_command(const Flags& flags);
int tell_command(const Flags& flags);
int enqueue_command(const Flags& flags);
int doctor_command(const Flags& flags);

}  // namespace warpbo::cli
