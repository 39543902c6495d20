#include "cli/signals.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <warpbo/error.hpp>

#include <array>
#include <cerrno>
#include <csignal>

namespace warpbo::cli {

namespace {

constexpr std::array kCaught = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH};
constexpr std::array kIgnored = {SIGPIPE, SIGXFSZ};
int pipe_ends[2] = {-1, -1};
std::array<struct sigaction, kCaught.size() + kIgnored.size()> previous;

void on_signal(int signal) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  (void)!write(pipe_ends[1], &byte, 1);
  errno = saved;
}

}  // namespace

SignalPipe::SignalPipe() {
  if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0)
    throw Error(ErrorCode::unavailable, "no pipe for signals: too many open files");
  std::size_t i = 0;
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  action.sa_handler = on_signal;
  for (const int signal : kCaught) sigaction(signal, &action, &previous[i++]);
  action.sa_handler = SIG_IGN;
  for (const int signal : kIgnored) sigaction(signal, &action, &previous[i++]);
}

SignalPipe::~SignalPipe() {
  std::size_t i = 0;
  for (const int signal : kCaught) sigaction(signal, &previous[i++], nullptr);
  for (const int signal : kIgnored) sigaction(signal, &previous[i++], nullptr);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

int SignalPipe::fd() const noexcept { return pipe_ends[0]; }

std::optional<int> SignalPipe::next() {
  unsigned char byte = 0;
  return read(pipe_ends[0], &byte, 1) == 1 ? std::optional<int>(byte) : std::nullopt;
}

void SignalPipe::suspend() { raise(SIGSTOP); }

}  // namespace warpbo::cli
