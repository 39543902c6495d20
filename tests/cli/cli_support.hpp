/// Helpers of the command's tests.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace warpbo::cli::test {

/// A new empty directory.
std::string temporary_folder();
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text, bool executable = false);
/// How many living processes carry this text in their environment.
int processes_with(const std::string& marker);
long resident_kib(pid_t pid);
/// Polls for at most 20 seconds; a test failure when it does not come true.
void wait_until(const std::function<bool()>& condition);

/// The real `warpbo`, running.
class Command {
 public:
  /// Starts it in `folder` with extra variables. With `terminal`, standard output and input are a pseudo-terminal of 80 x 24.
  Command(const std::string& folder, std::vector<std::string> arguments, std::vector<std::string> environment = {},
          bool terminal = false);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  /// Everything it has written so far.
  const std::string& output();
  /// Waits until the output holds this.
  void expect(const std::string& text);
  void signal(int signal) const;
  /// Types on the terminal.
  void type(const std::string& keys) const;
  /// Closes the terminal.
  void hang_up();
  /// Waits for the end; the exit code, or minus the signal.
  int wait();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  void pump(int wait_ms);
  pid_t pid_ = -1;
  int fd_ = -1;
  int status_ = 0;
  bool done_ = false;
  std::string output_;
};

struct Ran {
  int code = 0;
  std::string output;
};
/// Runs it to the end.
Ran warpbo(const std::string& folder, std::vector<std::string> arguments, std::vector<std::string> environment = {});

}  // namespace warpbo::cli::test
