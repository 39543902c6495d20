#include "cli/cli_support.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace warpbo::cli::test {

std::string temporary_folder() {
  const char* base = std::getenv("TMPDIR");
  std::string path = std::string(base == nullptr ? "/tmp" : base) + "/warpbo-cli-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text, bool executable) {
  std::ofstream(path, std::ios::binary) << text;
  chmod(path.c_str(), executable ? 0755 : 0644);
}

int processes_with(const std::string& marker) {
  int count = 0;
  DIR* proc = opendir("/proc");
  while (const dirent* entry = readdir(proc)) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const std::string environment = read_file("/proc/" + std::string(entry->d_name) + "/environ");  // empty for zombies
    if (environment.find(marker + '\0') != std::string::npos) ++count;
  }
  closedir(proc);
  return count;
}

long resident_kib(pid_t pid) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  return 0;
}

void wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "it did not happen in 20 seconds";
}

Command::Command(const std::string& folder, std::vector<std::string> arguments, std::vector<std::string> environment,
                 bool terminal) {
  arguments.insert(arguments.begin(), WARPBO_COMMAND);
  std::vector<char*> words;
  for (std::string& word : arguments) words.push_back(word.data());
  words.push_back(nullptr);
  int ends[2] = {-1, -1};
  winsize size{24, 80, 0, 0};
  if (!terminal && pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "no pipe";
  pid_ = terminal ? forkpty(&fd_, nullptr, nullptr, &size) : fork();
  if (pid_ == 0) {
    if (!terminal) {
      dup2(ends[1], 1);
      dup2(ends[1], 2);
    }
    for (std::string& variable : environment) putenv(variable.data());
    if (chdir(folder.c_str()) != 0) _exit(125);
    execv(words[0], words.data());
    _exit(126);
  }
  if (!terminal) {
    close(ends[1]);
    fd_ = ends[0];
  }
}

Command::~Command() {
  if (!done_) {
    kill(pid_, SIGKILL);
    wait();
  }
  if (fd_ >= 0) close(fd_);
}

void Command::pump(int wait_ms) {
  pollfd fd{fd_, POLLIN, 0};
  if (fd_ < 0 || poll(&fd, 1, wait_ms) <= 0) {
    if (fd_ < 0) std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    return;
  }
  char buffer[65536];
  const ssize_t got = read(fd_, buffer, sizeof buffer);
  if (got > 0) {
    output_.append(buffer, static_cast<std::size_t>(got));
  } else {
    close(fd_);  // the end of a pipe, or EIO from a terminal that nobody uses any more
    fd_ = -1;
  }
}

const std::string& Command::output() {
  pollfd fd{fd_, POLLIN, 0};
  while (fd_ >= 0 && poll(&fd, 1, 0) > 0) pump(0);
  return output_;
}

void Command::expect(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (output_.find(text) == std::string::npos) {
    if (fd_ < 0 || std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "waited for \"" << text << "\" in:\n" << output_;
      return;
    }
    pump(50);
  }
}

void Command::signal(int number) const { kill(pid_, number); }

void Command::type(const std::string& keys) const { (void)!write(fd_, keys.data(), keys.size()); }

void Command::hang_up() {
  close(fd_);
  fd_ = -1;
}

int Command::wait() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done_) {
    pump(10);
    done_ = waitpid(pid_, &status_, WNOHANG) == pid_;
    if (!done_ && std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "it does not end; so far:\n" << output_;
      kill(pid_, SIGKILL);
      waitpid(pid_, &status_, 0);
      done_ = true;
    }
  }
  output();
  return WIFSIGNALED(status_) ? -WTERMSIG(status_) : WEXITSTATUS(status_);
}

Ran warpbo(const std::string& folder, std::vector<std::string> arguments, std::vector<std::string> environment) {
  Command command(folder, std::move(arguments), std::move(environment));
  const int code = command.wait();
  return {code, command.output()};
}

}  // namespace warpbo::cli::test
