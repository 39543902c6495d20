/// What the supervisor of trials is told and what it reports, and how the two travel over a socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/metric.hpp"

namespace warpbo::cli {

/// One attempt at one trial.
struct WorkRequest {
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to the inherited one; later entries win
  std::string working_directory;
  std::string trial_directory;  ///< made if missing; holds stdout, stderr, params.json, result.json
  std::string params_json;
  std::string result_file;     ///< the file announced as WARPBO_RESULT_FILE
  double timeout = 0;          ///< seconds; 0: none
  double grace = 5;            ///< seconds between SIGTERM and SIGKILL
  std::int64_t log_limit = 0;  ///< bytes kept from the beginning of each stream
  MetricRule metric;           ///< `path` expanded and absolute
  std::int64_t number = 0;
};

/// How an attempt ended.
struct WorkResult {
  enum class End { exited, signalled, timed_out, stopped, spawn_failed, lost };
  End end = End::lost;
  int code = 0;  ///< exit status, signal, or errno of the failed spawn
  bool core_dumped = false;
  double seconds = 0;
  MetricMatch metric;
  std::string problem;      ///< spawn_failed: why; a metric file that could not be used: why
  std::string last_output;  ///< last line of standard output
  std::string last_error;   ///< last line of standard error
  std::string log_notice;   ///< empty, or why a log is not complete
  std::int64_t output_bytes = 0;
  std::int64_t error_bytes = 0;
  int survivors = 0;  ///< processes that the command left behind and that were ended
};

[[nodiscard]] std::string pack(const WorkRequest& request);
[[nodiscard]] WorkRequest unpack_request(std::string_view data);
[[nodiscard]] std::string pack(const WorkResult& result);
[[nodiscard]] WorkResult unpack_result(std::string_view data);

/// "SIGKILL" and so on.
[[nodiscard]] std::string signal_name(int signal);

/// What the study is told about an attempt: a value, or why there is none.
struct Verdict {
  bool ok = false;
  double value = 0;
  std::string failure;
};
[[nodiscard]] Verdict judge(const WorkResult& result, const MetricRule& rule, bool accept_nonzero, double timeout);

/// Frames on a stream socket: 4 bytes of length, 1 of type, the payload. Send returns false when the other side is gone;
/// receive likewise (it waits for a whole frame).
[[nodiscard]] bool send_frame(int socket, char type, std::string_view payload);
[[nodiscard]] bool receive_frame(int socket, char& type, std::string& payload);

}  // namespace warpbo::cli
