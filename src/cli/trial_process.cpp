#include "cli/trial_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/command.hpp"
#include "cli/processes.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

constexpr std::size_t kRegexTail = 1 << 20;
constexpr double kNaturalEnd = 0.25;  ///< seconds that a finished command's leftovers get before SIGTERM
constexpr double kLeftoverGrace = 1;  ///< and from there to SIGKILL
constexpr double kGiveUp = 15;        ///< a process stuck in the kernel is left behind after that

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::chrono::steady_clock::time_point in_seconds(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(std::min(seconds, 1e8)));
}

/// What distinguishes a file that was rewritten from one that was there before.
std::string identity(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  return std::to_string(info.st_ino) + ":" + std::to_string(info.st_size) + ":" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

/// Reads a metric file; `problem` says why it could not be used.
std::string read_metric_file(const std::string& path, std::string& problem) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    problem = "the result file " + quote(path) + " cannot be read: " + std::strerror(errno);
    return {};
  }
  struct stat info {};
  std::string text;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    problem = "the result file " + quote(path) + " is not a regular file";
  } else if (info.st_size > (1 << 20)) {
    problem = "the result file " + quote(path) + " is larger than 1 MiB";
  } else {
    text.resize(static_cast<std::size_t>(info.st_size));
    const ssize_t got = pread(fd, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  close(fd);
  return text;
}

std::string spawn_problem(int code, const std::string& program) {
  if (code == E2BIG)
    return "the command line or the environment is too long for the system (E2BIG; one argument may have 128 KiB): pass large "
           "values "
           "through {params_file} or WARPBO_PARAMS_FILE";
  return "command " + quote(program) + " cannot be started: " + std::strerror(code);
}

/// Everything between fork and exec. Only system calls: nothing here allocates.
[[noreturn]] void become(const char* file, char* const* arguments, char* const* environment, const char* directory, int out,
                         int err, int report, pid_t worker) {
  const auto fail = [&] {
    const int code = errno;
    (void)!write(report, &code, sizeof code);
    _exit(127);
  };
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // the worker was killed: nobody watches this command any more
  if (getppid() != worker) _exit(127);
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) fail();
  if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0)
    for (int fd = 3; fd < 1024; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
  for (int signal = 1; signal < 65; ++signal) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (chdir(directory) != 0) fail();
  execve(file, arguments, environment);
  fail();
  _exit(127);
}

}  // namespace

/// One output stream of the command.
struct TrialProcess::Stream {
  Stream(const std::string& path, std::int64_t limit, std::string name) : log(path, limit), scanner(std::move(name)) {}
  ~Stream() {
    if (fd >= 0) close(fd);
  }
  /// Reads what is there, at most a few hundred KiB so that the other stream gets its turn. Returns false when nothing was.
  bool read_some() {
    static std::array<char, 64 << 10> buffer;
    for (int round = 0; round < 4 && fd >= 0; ++round) {
      const ssize_t got = read(fd, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return round > 0;  // EAGAIN
      if (got == 0) {
        close(fd);
        fd = -1;
        return true;
      }
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      log.write(bytes);
      scanner.feed(bytes);
      if (keep_tail) {
        tail += bytes;
        if (tail.size() > 2 * kRegexTail) tail.erase(0, tail.size() - kRegexTail);
      }
    }
    return true;
  }
  int fd = -1;
  TrialLog log;
  MetricScanner scanner;
  bool keep_tail = false;
  std::string tail;
};

TrialProcess::TrialProcess(const WorkRequest& request, int control) : request_(request), control_(control) {}

TrialProcess::~TrialProcess() {
  if (children_signal_ >= 0) close(children_signal_);
}

void TrialProcess::prepare() {
  const std::string& folder = request_.trial_directory;
  std::string problem = make_directories(folder);
  if (problem.empty()) problem = write_file(folder + "/params.json", request_.params_json + "\n");
  result_.log_notice = problem;
  unlink(request_.result_file.c_str());
  // Earlier attempts keep their output under a number.
  for (const char* name : {"stdout", "stderr"}) {
    const std::string file = folder + "/" + name;
    for (int k = 1; k < 1000; ++k) {
      if (access(file.c_str(), F_OK) != 0) break;
      if (access((file + "." + std::to_string(k)).c_str(), F_OK) == 0) continue;
      (void)!rename(file.c_str(), (file + "." + std::to_string(k)).c_str());
    }
  }
  out_ = std::make_unique<Stream>(folder + "/stdout", request_.log_limit, request_.metric.name);
  err_ = std::make_unique<Stream>(folder + "/stderr", request_.log_limit, "");
  out_->keep_tail = request_.metric.source == MetricRule::Source::regex;
  if (!request_.metric.path.empty()) path_before_ = identity(request_.metric.path);
}

bool TrialProcess::spawn() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables[std::string(text.substr(0, equals))] = std::string(text.substr(equals + 1));
  }
  for (const auto& [name, value] : request_.environment) variables[name] = value;
  const std::string program = request_.command.empty() ? "" : request_.command[0];
  const auto path = variables.find("PATH");
  const Program found = find_program(program, path == variables.end() ? "/usr/local/bin:/usr/bin:/bin" : path->second,
                                     request_.working_directory);
  const auto refuse = [&](int code, std::string why) {
    result_.end = WorkResult::End::spawn_failed;
    result_.code = code;
    result_.problem = std::move(why);
    return false;
  };
  if (!found.problem.empty()) return refuse(ENOENT, found.problem);
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  std::vector<char*> arguments, environment;
  for (const std::string& argument : request_.command) {
    if (argument.find('\0') != std::string::npos)
      return refuse(EINVAL, "argument " + quote(argument) + " holds a NUL byte, which no argument can: use {params_file}");
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  for (const std::string& entry : entries) environment.push_back(const_cast<char*>(entry.c_str()));
  arguments.push_back(nullptr);
  environment.push_back(nullptr);

  int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1};
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0) {
    const int code = errno;
    for (const int fd : {out[0], out[1], err[0], err[1], report[0], report[1]})
      if (fd >= 0) close(fd);
    return refuse(code, spawn_problem(code, program));
  }
  const pid_t worker = getpid();
  leader_ = fork();
  if (leader_ == 0)
    become(found.file.c_str(), arguments.data(), environment.data(), request_.working_directory.c_str(), out[1], err[1],
           report[1], worker);
  const int fork_error = leader_ < 0 ? errno : 0;
  if (leader_ > 0) setpgid(leader_, leader_);  // in both, so that neither has to wait for the other
  close(out[1]);
  close(err[1]);
  close(report[1]);
  out_->fd = out[0];
  err_->fd = err[0];
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  fcntl(err[0], F_SETFL, O_NONBLOCK);
  int exec_error = 0;
  ssize_t got = 0;
  do {
    got = fork_error != 0 ? 0 : read(report[0], &exec_error, sizeof exec_error);
  } while (got < 0 && errno == EINTR);
  close(report[0]);
  if (fork_error != 0) return refuse(fork_error, spawn_problem(fork_error, program));
  if (got == sizeof exec_error) {
    waitpid(leader_, nullptr, 0);
    return refuse(exec_error, spawn_problem(exec_error, program));
  }
  return true;
}

void TrialProcess::signal_all(int signal) {
  const bool group = !leader_done_;  // the leader is not reaped: its group id is still ours
  if (group) kill(-leader_, signal);
  for (const pid_t pid : children()) {
    // Once each: a second SIGTERM would interrupt a handler that is tidying up.
    if (!group || getpgid(pid) != leader_) kill(pid, signal);
    if (signal == SIGTERM) kill(pid, SIGCONT);
  }
}

void TrialProcess::begin_stop(WorkResult::End reason) {
  if (stopping_) return;
  stopping_ = true;
  if (!leader_done_) result_.end = reason;
  kill_at_ = in_seconds(request_.grace);
  signal_all(SIGTERM);
}

void TrialProcess::on_control() {
  char type = 0;
  std::string payload;
  if (!receive_frame(control_, type, payload)) {
    orphaned_ = true;
    control_ = -1;
  }
  if (orphaned_ || type == 'K' || type == 'T') begin_stop(WorkResult::End::stopped);
  if (orphaned_ || type == 'K') kill_at_ = Clock::now();
}

void TrialProcess::reap() {
  while (true) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    no_children_ = pid < 0;
    if (pid <= 0) return;
    if (pid != leader_) continue;
    leader_done_ = true;
    leader_ended_ = Clock::now();
    result_.seconds = seconds_since(started_);
    if (stopping_) continue;  // the reason stands already
    result_.end = WIFSIGNALED(status) ? WorkResult::End::signalled : WorkResult::End::exited;
    result_.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    result_.core_dumped = WIFSIGNALED(status) && WCOREDUMP(status);
  }
}

/// The timed steps: timeout, grace, and what a finished command has left behind.
void TrialProcess::advance() {
  if (!leader_done_ && !stopping_ && request_.timeout > 0 && seconds_since(started_) >= request_.timeout)
    begin_stop(WorkResult::End::timed_out);
  if (leader_done_ && !no_children_ && !settled_ && seconds_since(leader_ended_) >= kNaturalEnd) {
    settled_ = true;
    result_.survivors = static_cast<int>(children().size());
    if (!stopping_) {
      stopping_ = true;
      kill_at_ = in_seconds(std::min(kLeftoverGrace, request_.grace));
    }
    signal_all(SIGTERM);
  }
  if (stopping_ && Clock::now() >= kill_at_) signal_all(SIGKILL);  // again each round: ended parents hand over their children
}

int TrialProcess::wait_ms() const {
  if (stopping_ && Clock::now() >= kill_at_) return 5;
  if (stopping_ || leader_done_) return 20;
  if (request_.timeout <= 0) return -1;
  const double left = request_.timeout - seconds_since(started_);
  return static_cast<int>(std::clamp(std::ceil(left * 1000), 0.0, 1e6));
}

void TrialProcess::pump(int wait) {
  std::array<pollfd, 4> fds = {pollfd{children_signal_, POLLIN, 0}, pollfd{control_, POLLIN, 0}, pollfd{out_->fd, POLLIN, 0},
                               pollfd{err_->fd, POLLIN, 0}};
  if (poll(fds.data(), fds.size(), wait) < 0) return;
  if (fds[0].revents != 0) {
    signalfd_siginfo info;
    while (read(children_signal_, &info, sizeof info) > 0) {
    }
  }
  if (fds[1].revents != 0) on_control();
  if (fds[2].revents != 0) out_->read_some();
  if (fds[3].revents != 0) err_->read_some();
}

WorkResult TrialProcess::run(bool& orphaned) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigprocmask(SIG_BLOCK, &mask, nullptr);
  children_signal_ = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  prepare();
  started_ = Clock::now();
  if (spawn()) {
    while (true) {
      reap();
      advance();
      if (leader_done_ && no_children_) break;
      if (leader_done_ && seconds_since(leader_ended_) > kGiveUp + request_.grace) break;
      pump(wait_ms());
    }
    for (Stream* stream : {out_.get(), err_.get()})
      while (stream->fd >= 0 && stream->read_some()) {
      }
  }
  for (Stream* stream : {out_.get(), err_.get()}) {
    stream->scanner.finish();
    stream->log.close();
    if (result_.log_notice.empty()) result_.log_notice = stream->log.problem();
  }
  result_.output_bytes = out_->log.bytes();
  result_.error_bytes = err_->log.bytes();
  result_.last_output = out_->scanner.last_line();
  result_.last_error = err_->scanner.last_line();
  if (result_.end == WorkResult::End::exited) read_result();
  write_record();
  orphaned = orphaned_;
  return result_;
}

void TrialProcess::read_result() {
  using Source = MetricRule::Source;
  const MetricRule& rule = request_.metric;
  if (rule.source == Source::regex) {
    result_.metric = match_regex(out_->tail, rule.regex);
    return;
  }
  const bool own_file = rule.path.empty();
  const std::string& path = own_file ? request_.result_file : rule.path;
  const bool written = access(path.c_str(), F_OK) == 0;
  if (rule.source == Source::standard_output || (rule.source == Source::automatic && !written)) {
    result_.metric = out_->scanner.match();
    return;
  }
  if (!written) {
    result_.problem = "the command did not write the result file " + quote(path);
  } else if (!own_file && identity(path) == path_before_) {
    result_.problem = "the result file " + quote(path) + " was not written by this trial: it is older";
  } else {
    const std::string text = read_metric_file(path, result_.problem);
    if (!result_.problem.empty()) return;
    result_.metric = match_text(text, rule.name);
    if (!result_.metric.value)
      result_.problem = "the result file holds no number for " + quote(rule.name) + ": " + quote(text, 120);
  }
}

void TrialProcess::write_record() const {
  static constexpr const char* kEnds[] = {"exited", "signalled", "timed_out", "stopped", "spawn_failed", "lost"};
  nlohmann::ordered_json record;
  record["trial"] = request_.number;
  record["end"] = kEnds[static_cast<int>(result_.end)];
  record[result_.end == WorkResult::End::signalled ? "signal" : "code"] = result_.code;
  record["seconds"] = result_.seconds;
  if (result_.metric.value) record[request_.metric.name] = *result_.metric.value;  // NaN and infinities become null
  if (!result_.problem.empty()) record["problem"] = result_.problem;
  record["stdout_bytes"] = result_.output_bytes;
  record["stderr_bytes"] = result_.error_bytes;
  if (result_.survivors > 0) record["processes_left_behind"] = result_.survivors;
  (void)write_file(request_.trial_directory + "/result.json",
                   record.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace warpbo::cli
