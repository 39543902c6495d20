/// What a fleet does with a study that a study does not do by itself.
#include "samplers/shared_fit.hpp"
#include "study/impl.hpp"

namespace warpbo {

void Study::Impl::accept_search(const samplers::SharedFit::Search& search, const gp::FitReport& report) {
  const std::lock_guard one_ask_at_a_time(asking);
  if (auto* shared = dynamic_cast<samplers::SharedFit*>(&proposer.sampler())) shared->accept_search(search, report);
}

std::optional<samplers::SharedFit::Search> Study::Impl::next_search(const AskOptions& wanted) {
  const std::lock_guard one_ask_at_a_time(asking);
  auto* shared = dynamic_cast<samplers::SharedFit*>(&proposer.sampler());
  if (shared == nullptr) return std::nullopt;
  view.refresh();
  // Trials that wait are handed out without a model.
  const std::int64_t waiting = wanted.fixed.empty() ? view.count(TrialState::waiting) : 0;
  if (wanted.count <= waiting) return std::nullopt;
  history.update(view, points);
  const SuggestRequest request{
      points.space(), history.finished(), history.pending(), record.direction, static_cast<int>(wanted.count - waiting),
      wanted.fixed,   history.created()};
  return shared->next_search(request);
}

std::optional<std::size_t> Study::Impl::model_bytes() {
  const std::unique_lock lock(asking, std::try_to_lock);
  if (!lock) return std::nullopt;
  return proposer.sampler().kept_bytes();
}

void Study::Impl::release_model() {
  const std::unique_lock lock(asking, std::try_to_lock);
  if (lock) proposer.sampler().release();
}

}  // namespace warpbo
