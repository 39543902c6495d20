/// What a Fleet consists of.
#pragma once

#include "base/deadline.hpp"
#include "study/crew.hpp"
#include "study/impl.hpp"
#include "study/shared_devices.hpp"

#include <warpbo/fleet.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace warpbo {

struct Fleet::Impl {
  /// An open study.
  struct Entry {
    Entry(Id number, Study opened, const Device& where) : id(number), study(std::move(opened)), device(where) {}
    const Id id;
    Study study;
    const Device device;
    bool closed = false;         // guarded by the fleet's mutex, as the next
    std::size_t bytes = 0;       // that its model holds
    std::uint64_t last_use = 0;  // key in `models`; 0: not there
  };
  using EntryPointer = std::shared_ptr<Entry>;

  explicit Impl(const FleetOptions& options);

  [[nodiscard]] EntryPointer find(Id id) const;
  Id add(const StudyToOpen& study);
  /// Takes what the model of a study holds now into account, and releases the least recently asked ones where all together hold
  /// too much.
  void keep_in_bounds(const EntryPointer& entry);

  const FleetOptions options;
  const std::shared_ptr<study::SharedDevices> devices = std::make_shared<study::SharedDevices>();
  mutable std::mutex mutex;
  // All of these are guarded by the mutex.
  std::map<Id, EntryPointer> entries;
  std::map<std::uint64_t, EntryPointer> models;  // studies whose models hold memory, by their last use
  std::size_t total_bytes = 0;
  std::uint64_t uses = 0;
  Id next_id = 0;

  study::Crew crew;  // last: its threads use the rest
};

namespace study {

/// What a call of a fleet waits for, and what becomes of work that comes too late. Owned by the call and by its tasks.
class Gathering {
 public:
  Gathering(Crew& crew, double max_seconds) : crew_(crew), deadline_(max_seconds) {}

  /// Waits until `ready()` or the end of the call's time or of `patience`; the crew is relieved meanwhile. With the mutex held.
  template <class Ready>
  bool wait(std::unique_lock<std::mutex>& lock, Ready&& ready, const Deadline& patience = {}) {
    constexpr double kLook = 0.02;
    while (!ready()) {
      const double left = std::min(deadline_.left(), patience.left());
      if (left <= 0) return false;
      changed_.wait_for(lock, std::chrono::duration<double>(std::min(left, kLook)));
      lock.unlock();
      crew_.relieve();
      lock.lock();
    }
    return true;
  }
  void notify() { changed_.notify_all(); }

  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }
  [[nodiscard]] const Deadline& deadline() const noexcept { return deadline_; }

 private:
  Crew& crew_;
  Deadline deadline_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// "no study 7 in this fleet".
[[nodiscard]] Error no_such_study(Fleet::Id id);
/// Of a study that did not answer in time.
[[nodiscard]] Error too_late(const std::string& consequence);
/// The exception that is being handled, as the error of one study.
[[nodiscard]] Error current_error();

}  // namespace study

}  // namespace warpbo
