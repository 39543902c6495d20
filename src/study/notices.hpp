/// Sentences for a person, each cause once.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace warpbo::study {

/// Collects notices while a call works and delivers them when no lock is held, so that the receiver may use the study itself.
class Notices {
 public:
  explicit Notices(std::function<void(std::string_view)> receiver) : receiver_(std::move(receiver)) {}

  /// Queues a sentence unless its cause was reported before. Two sentences that differ only in their numbers have one cause.
  void add(std::string_view sentence);
  /// The same with a cause of the caller's choice.
  void add(std::string_view cause, std::string_view sentence);
  /// Calls the receiver with what has gathered. An exception of the receiver ends there: a trial that is durable by now must
  /// reach the caller.
  void deliver() noexcept;

  /// Delivers when the scope ends. Create it before any lock is taken.
  class Delivery {
   public:
    explicit Delivery(Notices& notices) : notices_(notices) {}
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;
    ~Delivery() { notices_.deliver(); }

   private:
    Notices& notices_;
  };

 private:
  std::function<void(std::string_view)> receiver_;
  std::mutex mutex_;
  std::unordered_set<std::string> causes_;
  std::vector<std::string> queue_;
};

}  // namespace warpbo::study
