/// Results of many studies at once.
#include <warpbo/fleet.hpp>

#include "study/fleet_impl.hpp"

#include <map>
#include <utility>

namespace warpbo {

namespace {

/// Everything that one call brings; its tasks may outlive the call.
class TellCall : public std::enable_shared_from_this<TellCall> {
 public:
  using Told = Fleet::Told;

  TellCall(study::Crew& crew, std::span<const Fleet::Tell> tells, double max_seconds)
      : crew_(crew), tells_(tells.begin(), tells.end()), told_(tells.size()), gathering_(crew, max_seconds) {
    for (std::size_t i = 0; i < tells.size(); ++i) {
      told_[i].study = tells[i].study;
      told_[i].error = study::too_late("its results may not be recorded: tell them again");
    }
  }

  void refuse(std::size_t index, Error error) { told_[index].error = std::move(error); }

  /// Tells what stands at `indices`, in that order, to one study.
  void add(std::shared_ptr<Study> study, std::vector<std::size_t> indices) {
    {
      const std::lock_guard lock(gathering_.mutex());
      missing_ += indices.size();
    }
    crew_.add([self = shared_from_this(), study = std::move(study), indices = std::move(indices)] {
      for (const std::size_t index : indices) self->tell(*study, index);
    });
  }

  std::vector<Told> wait() {
    std::unique_lock lock(gathering_.mutex());
    gathering_.wait(lock, [&] { return missing_ == 0; });
    abandoned_ = true;
    return std::move(told_);
  }

 private:
  void tell(Study& study, std::size_t index) {
    std::optional<Error> error;
    const auto attempt = [&](const auto& action) {
      try {
        action();
      } catch (...) {
        if (!error) error = study::current_error();
      }
    };
    const Fleet::Tell& wanted = tells_[index];
    if (!wanted.results.empty()) attempt([&] { study.tell(wanted.results); });
    for (const Fleet::Failure& failure : wanted.failures) attempt([&] { study.fail(failure.number, failure.reason); });
    const std::lock_guard lock(gathering_.mutex());
    if (abandoned_) return;
    told_[index].error = std::move(error);
    --missing_;
    gathering_.notify();
  }

  study::Crew& crew_;
  std::vector<Fleet::Tell> tells_;
  std::vector<Told> told_;
  study::Gathering gathering_;
  std::size_t missing_ = 0;
  bool abandoned_ = false;
};

}  // namespace

std::vector<Fleet::Told> Fleet::tell(std::span<const Tell> tells, double max_seconds) {
  const auto call = std::make_shared<TellCall>(impl_->crew, tells, max_seconds);
  std::map<Id, std::vector<std::size_t>> by_study;
  for (std::size_t i = 0; i < tells.size(); ++i) by_study[tells[i].study].push_back(i);
  for (auto& [id, indices] : by_study) {
    if (const Impl::EntryPointer entry = impl_->find(id)) {
      call->add(std::shared_ptr<Study>(entry, &entry->study), std::move(indices));
    } else {
      for (const std::size_t i : indices) call->refuse(i, study::no_such_study(id));
    }
  }
  return call->wait();
}

}  // namespace warpbo
