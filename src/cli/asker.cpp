#include "cli/asker.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "cli/processes.hpp"

namespace warpbo::cli {

RunLock::RunLock(const std::string& path) : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  for (int i = 0; fd_ >= 0 && i < 1000; ++i) {
    if (flock(fd_, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

RunLock::~RunLock() {
  if (fd_ >= 0) close(fd_);
}

std::vector<std::int64_t> requeue_dead(Study& study) {
  std::vector<std::int64_t> out;
  for (const Trial& trial : study.pending()) {
    const auto owner = trial.attributes.find("warpbo:owner");
    if (trial.state != TrialState::running || owner == trial.attributes.end()) continue;
    if (owner_state(owner->second) == OwnerState::dead && study.requeue(trial.number)) out.push_back(trial.number);
  }
  return out;
}

Asker::Asker(Study& study, std::string lock_path, std::string owner, std::optional<std::int64_t> budget)
    : study_(study), lock_path_(std::move(lock_path)), owner_(std::move(owner)), budget_(budget) {
  event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_ < 0) throw Error(ErrorCode::unavailable, std::string("no event descriptor: ") + std::strerror(errno));
  // Signals are for the main thread, which waits for them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Asker::~Asker() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  wake_.notify_all();
  thread_.join();
  close(event_);
}

void Asker::request(int count) {
  busy_ = true;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = count;
  }
  wake_.notify_all();
}

std::optional<Asker::Answer> Asker::take() {
  std::uint64_t count = 0;
  (void)!read(event_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  std::optional<Answer> out = std::move(answer_);
  answer_.reset();
  if (out) busy_ = false;
  return out;
}

void Asker::work() {
  while (true) {
    int count = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return quit_ || wanted_ > 0; });
      if (quit_) return;
      count = std::exchange(wanted_, 0);
    }
    Answer found = answer(count);
    {
      const std::lock_guard lock(mutex_);
      answer_ = std::move(found);
    }
    const std::uint64_t one = 1;
    (void)!write(event_, &one, sizeof one);
  }
}

Asker::Answer Asker::answer(int count) {
  Answer out;
  try {
    const RunLock lock(lock_path_);
    out.requeued = requeue_dead(study_);
    std::int64_t allowed = count;
    if (budget_) {
      const std::int64_t fresh = std::max<std::int64_t>(0, *budget_ - study_.count());
      allowed = std::min(allowed, fresh + study_.count(TrialState::waiting));
    }
    if (allowed <= 0) {
      out.finished = true;
      return out;
    }
    AskOptions options;
    options.count = static_cast<int>(allowed);
    options.attributes["warpbo:owner"] = owner_;
    out.trials = study_.ask(options);
    for (const Trial& trial : out.trials) {
      // A trial that somebody enqueued must carry its owner as well, or nobody could tell later that it was abandoned.
      const auto owner = trial.attributes.find("warpbo:owner");
      if (owner == trial.attributes.end() || owner->second != owner_)
        study_.set_attribute(trial.number, "warpbo:owner", owner_);
    }
  } catch (const Error& error) {
    out.finished = out.exhausted = error.code() == ErrorCode::exhausted;
    if (!out.exhausted) out.error = error;
  } catch (const std::bad_alloc&) {
    out.error = Error(ErrorCode::resource_exhausted, "out of memory while proposing a trial");
  } catch (const std::exception& error) {
    out.error = Error(ErrorCode::internal, std::string("a defect of warpbo: ") + error.what());
  }
  return out;
}

}  // namespace warpbo::cli
