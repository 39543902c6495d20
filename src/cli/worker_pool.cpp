#include "cli/worker_pool.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <warpbo/error.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/processes.hpp"
#include "cli/trial_process.hpp"

namespace warpbo::cli {

namespace {

/// The life of a worker: requests until the socket closes.
[[noreturn]] void work(int socket) {
  setpgid(0, 0);  // Ctrl-C in the terminal is for warpbo alone
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NAME, "warpbo-worker");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGTSTP, SIGTTOU, SIGTTIN, SIGUSR1, SIGUSR2})
    std::signal(signal, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
  // Only the socket stays open: no terminal, no pipe of warpbo's caller, no socket of another worker.
  if (dup2(socket, 3) != 3) _exit(1);
  if (syscall(SYS_close_range, 4U, ~0U, 0U) != 0)
    for (int fd = 4; fd < 1024; ++fd) close(fd);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  char type = 0;
  std::string payload;
  bool orphaned = false;
  while (!orphaned && receive_frame(3, type, payload)) {
    if (type != 'R') continue;  // a stop that crossed the end of the trial on its way
    try {
      const WorkRequest request = unpack_request(payload);
      const WorkResult result = TrialProcess(request, 3).run(orphaned);
      if (!orphaned && !send_frame(3, 'D', pack(result))) break;
    } catch (const std::exception&) {
      break;  // out of memory: warpbo sees the socket close and counts the trial as lost
    }
  }
  end_children({}, 5);
  _exit(0);
}

}  // namespace

WorkerPool::WorkerPool(int count) : workers_(static_cast<std::size_t>(count)) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (Worker& worker : workers_) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      throw Error(ErrorCode::unavailable,
                  std::string("a worker cannot be started: ") + std::strerror(errno) + "; use fewer --jobs");
    worker.pid = fork();
    if (worker.pid == 0) work(pair[1]);
    close(pair[1]);
    worker.socket = pair[0];
    if (worker.pid < 0) {
      const int code = errno;
      close(pair[0]);
      worker.socket = -1;
      throw Error(ErrorCode::unavailable,
                  std::string("a worker cannot be started: ") + std::strerror(code) + "; use fewer --jobs");
    }
  }
}

WorkerPool::~WorkerPool() {
  for (Worker& worker : workers_)
    if (worker.socket >= 0) close(worker.socket);
  for (Worker& worker : workers_)
    if (worker.pid > 0) waitpid(worker.pid, nullptr, 0);
}

void WorkerPool::start(int worker, const WorkRequest& request) {
  Worker& at = workers_[static_cast<std::size_t>(worker)];
  at.busy = true;
  // A failure shows as the end of the socket, which `collect` reports.
  (void)send_frame(at.socket, 'R', pack(request));
}

void WorkerPool::stop(int worker, bool at_once) {
  const Worker& at = workers_[static_cast<std::size_t>(worker)];
  if (at.busy && at.socket >= 0) (void)send_frame(at.socket, at_once ? 'K' : 'T', {});
}

std::optional<WorkResult> WorkerPool::collect(int worker) {
  Worker& at = workers_[static_cast<std::size_t>(worker)];
  if (at.socket < 0) return std::nullopt;
  char type = 0;
  std::string payload;
  if (receive_frame(at.socket, type, payload)) {
    if (type != 'D' || !at.busy) return std::nullopt;
    at.busy = false;
    return unpack_result(payload);
  }
  bury(at);
  if (!at.busy) return std::nullopt;
  at.busy = false;
  return WorkResult{};
}

/// Reaps a dead worker and ends what it could not end any more.
void WorkerPool::bury(Worker& worker) {
  close(worker.socket);
  worker.socket = -1;
  kill(worker.pid, SIGKILL);
  waitpid(worker.pid, nullptr, 0);
  worker.pid = -1;
  std::vector<pid_t> others;
  for (const Worker& other : workers_)
    if (other.pid > 0) others.push_back(other.pid);
  end_children(others, 5);
}

}  // namespace warpbo::cli
