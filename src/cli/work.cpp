#include "cli/work.hpp"

#include <sys/socket.h>
#include <warpbo/error.hpp>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

class Packer {
 public:
  void integer(std::int64_t value) { raw(&value, sizeof value); }
  void number(double value) { raw(&value, sizeof value); }
  void text(std::string_view value) {
    integer(static_cast<std::int64_t>(value.size()));
    data_.append(value);
  }
  [[nodiscard]] std::string take() { return std::move(data_); }

 private:
  void raw(const void* bytes, std::size_t size) { data_.append(static_cast<const char*>(bytes), size); }
  std::string data_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view data) : data_(data) {}
  std::int64_t integer() { return raw<std::int64_t>(); }
  double number() { return raw<double>(); }
  std::string text() {
    const auto size = static_cast<std::size_t>(integer());
    need(size);
    std::string value(data_.substr(0, size));
    data_.remove_prefix(size);
    return value;
  }

 private:
  template <class T>
  T raw() {
    need(sizeof(T));
    T value;
    std::memcpy(&value, data_.data(), sizeof value);
    data_.remove_prefix(sizeof value);
    return value;
  }
  void need(std::size_t size) const {
    if (size > data_.size()) throw Error(ErrorCode::internal, "a message between warpbo's processes is cut short");
  }
  std::string_view data_;
};

bool send_all(int socket, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t got = recv(socket, bytes, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

std::string missing_metric(const WorkResult& result, const MetricRule& rule) {
  const bool by_regex = rule.source == MetricRule::Source::regex;
  const std::string wanted = by_regex ? "no match of " + quote(rule.regex) : "no " + quote(rule.name + "=NUMBER");
  if (!result.problem.empty()) return result.problem;
  if (!result.metric.near_miss.empty())
    return wanted + "; " + quote(result.metric.near_miss) + " does not end in a plain number";
  std::string seen = "it printed nothing";
  if (!result.last_output.empty()) seen = "its last line was " + quote(result.last_output, 120);
  if (result.last_output.find('\0') != std::string::npos) seen += " (with NUL bytes: is it UTF-16?)";
  if (result.last_output.empty() && !result.last_error.empty())
    seen = "nothing on standard output; the last line of standard error was " + quote(result.last_error, 120);
  return wanted + " in its output; " + seen;
}

}  // namespace

std::string pack(const WorkRequest& request) {
  Packer out;
  out.integer(static_cast<std::int64_t>(request.command.size()));
  for (const std::string& argument : request.command) out.text(argument);
  out.integer(static_cast<std::int64_t>(request.environment.size()));
  for (const auto& [name, value] : request.environment) {
    out.text(name);
    out.text(value);
  }
  out.text(request.working_directory);
  out.text(request.trial_directory);
  out.text(request.params_json);
  out.text(request.result_file);
  out.number(request.timeout);
  out.number(request.grace);
  out.integer(request.log_limit);
  out.integer(static_cast<std::int64_t>(request.metric.source));
  out.text(request.metric.name);
  out.text(request.metric.path);
  out.text(request.metric.regex);
  out.integer(request.number);
  return out.take();
}

WorkRequest unpack_request(std::string_view data) {
  Unpacker in(data);
  WorkRequest request;
  for (std::int64_t count = in.integer(); count > 0; --count) request.command.push_back(in.text());
  for (std::int64_t count = in.integer(); count > 0; --count) {
    std::string name = in.text();
    request.environment.emplace_back(std::move(name), in.text());
  }
  request.working_directory = in.text();
  request.trial_directory = in.text();
  request.params_json = in.text();
  request.result_file = in.text();
  request.timeout = in.number();
  request.grace = in.number();
  request.log_limit = in.integer();
  request.metric.source = static_cast<MetricRule::Source>(in.integer());
  request.metric.name = in.text();
  request.metric.path = in.text();
  request.metric.regex = in.text();
  request.number = in.integer();
  return request;
}

std::string pack(const WorkResult& result) {
  Packer out;
  out.integer(static_cast<std::int64_t>(result.end));
  out.integer(result.code);
  out.integer(result.core_dumped ? 1 : 0);
  out.number(result.seconds);
  out.integer(result.metric.value ? 1 : 0);
  out.number(result.metric.value.value_or(0));
  out.text(result.metric.near_miss);
  out.text(result.problem);
  out.text(result.last_output);
  out.text(result.last_error);
  out.text(result.log_notice);
  out.integer(result.output_bytes);
  out.integer(result.error_bytes);
  out.integer(result.survivors);
  return out.take();
}

WorkResult unpack_result(std::string_view data) {
  Unpacker in(data);
  WorkResult result;
  result.end = static_cast<WorkResult::End>(in.integer());
  result.code = static_cast<int>(in.integer());
  result.core_dumped = in.integer() != 0;
  result.seconds = in.number();
  const bool has_value = in.integer() != 0;
  const double value = in.number();
  if (has_value) result.metric.value = value;
  result.metric.near_miss = in.text();
  result.problem = in.text();
  result.last_output = in.text();
  result.last_error = in.text();
  result.log_notice = in.text();
  result.output_bytes = in.integer();
  result.error_bytes = in.integer();
  result.survivors = static_cast<int>(in.integer());
  return result;
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

Verdict judge(const WorkResult& result, const MetricRule& rule, bool accept_nonzero, double timeout) {
  const auto failed = [](std::string why) { return Verdict{false, 0, std::move(why)}; };
  const std::string last = result.last_error.empty() ? result.last_output : result.last_error;
  const std::string tail = last.empty() ? "" : "; last line: " + quote(last, 160);
  switch (result.end) {
    case WorkResult::End::spawn_failed:
      return failed(result.problem);
    case WorkResult::End::timed_out:
      return failed("timed out after " + brief_number(timeout) + " s" + tail);
    case WorkResult::End::stopped:
      return failed("stopped by the user");
    case WorkResult::End::lost:
      return failed("the process that watched it was killed");
    case WorkResult::End::signalled: {
      std::string text = "killed by " + signal_name(result.code);
      if (result.code == SIGKILL) text += " (perhaps out of memory)";
      if (result.core_dumped) text += " (core dumped)";
      return failed(text + tail);
    }
    case WorkResult::End::exited:
      break;
  }
  if (result.code != 0 && !accept_nonzero) return failed("exit status " + std::to_string(result.code) + tail);
  if (!result.metric.value) return failed(missing_metric(result, rule));
  if (std::isnan(*result.metric.value)) return failed("the metric is NaN");
  return {true, *result.metric.value, {}};
}

bool send_frame(int socket, char type, std::string_view payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::string head(sizeof size + 1, type);
  std::memcpy(head.data(), &size, sizeof size);
  return send_all(socket, head.data(), head.size()) && send_all(socket, payload.data(), payload.size());
}

bool receive_frame(int socket, char& type, std::string& payload) {
  char head[5];
  if (!receive_all(socket, head, sizeof head)) return false;
  std::uint32_t size = 0;
  std::memcpy(&size, head, sizeof size);
  type = head[4];
  payload.resize(size);
  return receive_all(socket, payload.data(), payload.size());
}

}  // namespace warpbo::cli
