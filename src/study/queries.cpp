/// What a study can be asked about itself.
#include <warpbo/study.hpp>

#include "base/text.hpp"
#include "study/impl.hpp"

#include <warpbo/error.hpp>

namespace warpbo {

Trial Study::best() const {
  if (auto trial = try_best()) return std::move(*trial);
  impl_->no_best();
}

std::optional<Trial> Study::try_best() const {
  impl_->view.refresh();
  return impl_->view.best(impl_->record.direction);
}

std::vector<Trial> Study::history() const {
  impl_->view.refresh();
  return impl_->view.all();
}

std::vector<Trial> Study::pending() const {
  impl_->view.refresh();
  return impl_->view.unfinished();
}

Trial Study::trial(std::int64_t number) const {
  impl_->view.refresh();
  return impl_->existing(number);
}

std::int64_t Study::count() const {
  impl_->view.refresh();
  return impl_->view.count();
}

std::int64_t Study::count(TrialState state) const {
  impl_->view.refresh();
  return impl_->view.count(state);
}

const std::string& Study::name() const noexcept { return impl_->record.name; }

const Space& Study::space() const noexcept { return impl_->points.space(); }

Direction Study::direction() const noexcept { return impl_->record.direction; }

Storage& Study::storage() const noexcept { return *impl_->store; }

ModelSummary Study::model() const {
  const std::lock_guard lock(impl_->model_mutex);
  return impl_->model;
}

Trial Study::Impl::existing(std::int64_t number) const {
  if (auto trial = view.find(number)) return std::move(*trial);
  const std::int64_t count = view.count();
  throw Error(ErrorCode::not_found,
              "study " + text::quote(record.name) + " has no trial " + std::to_string(number) +
                  (count == 0 ? "; it has none yet" : "; its trials are 0 to " + std::to_string(count - 1)));
}

void Study::Impl::no_best() const {
  std::string message = "study " + text::quote(record.name) + " has no best trial yet: ";
  const std::int64_t complete = view.count(TrialState::complete);
  const std::int64_t failed = view.count(TrialState::failed);
  if (view.count() == 0) {
    message += "it has no trials; ask for one and tell its result";
  } else if (complete > 0) {
    message += "none of its " + std::to_string(complete) + " results is finite";
  } else {
    message += "none of its " + std::to_string(view.count()) + " trials is complete";
    if (failed > 0) {
      const auto last = view.last_failure();
      message +=
          ", " + std::to_string(failed) + " failed; the last one: " + text::quote(last ? last->failure : std::string(), 200);
    }
  }
  throw Error(ErrorCode::need_more_data, message);
}

}  // namespace warpbo
