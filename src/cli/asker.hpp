/// Asks the study for trials in a thread of its own, so that results are read and timeouts kept while a model is fitted.
#pragma once

#include <warpbo/study.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace warpbo::cli {

/// A kernel-owned lock on a file, so that the `warpbo run`s of one study look at the budget and take trials one after the
/// other. It ends with its process. A holder that does not let go within ten seconds (it was stopped with Ctrl-Z, say) is not
/// waited for.
class RunLock {
 public:
  explicit RunLock(const std::string& path);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_ = -1;
};

/// Puts trials back into the queue that a `warpbo run` on this machine had taken before it died. Returns their numbers. Hold
/// the lock.
std::vector<std::int64_t> requeue_dead(Study& study);

class Asker {
 public:
  /// `budget` bounds the number of trials in the store; waiting ones are always handed out.
  Asker(Study& study, std::string lock_path, std::string owner, std::optional<std::int64_t> budget);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  struct Answer {
    std::vector<Trial> trials;
    std::vector<std::int64_t> requeued;  ///< trials of dead runs that were put back
    bool finished = false;               ///< the budget is used up or the space exhausted: there is no more for now
    bool exhausted = false;
    std::optional<Error> error;
  };
  /// Asks for up to `count` trials. One request at a time.
  void request(int count);
  [[nodiscard]] bool busy() const noexcept { return busy_; }
  /// Readable once the answer is there.
  [[nodiscard]] int fd() const noexcept { return event_; }
  std::optional<Answer> take();

 private:
  void work();
  Answer answer(int count);

  Study& study_;
  std::string lock_path_, owner_;
  std::optional<std::int64_t> budget_;
  int event_ = -1;
  bool busy_ = false;  ///< of the owner's thread
  std::mutex mutex_;
  std::condition_variable wake_;
  int wanted_ = 0;
  bool quit_ = false;
  std::optional<Answer> answer_;
  std::thread thread_;
};

}  // namespace warpbo::cli
