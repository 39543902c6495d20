#include "study/history.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace warpbo::study {

void History::update(View& view, const Points& points, std::span<const Trial> besides) {
  // The count is taken last: a trial that comes in between only moves the random stream on.
  std::vector<Trial> fresh = view.take_newly_finished();
  pending_ = view.unfinished();
  created_ = static_cast<std::uint64_t>(view.count());

  for (const Trial& trial : fresh) known_.finished.insert(Points::key(points.canonical(trial.parameters)));
  const auto by_number = [](const Trial& a, const Trial& b) { return a.number < b.number; };
  const auto middle = std::ssize(finished_);
  std::move(fresh.begin(), fresh.end(), std::back_inserter(finished_));
  std::inplace_merge(finished_.begin(), finished_.begin() + middle, finished_.end(), by_number);

  std::erase_if(pending_, [&](const Trial& trial) {
    const bool open = std::any_of(besides.begin(), besides.end(), [&](const Trial& other) { return other.id == trial.id; });
    return open || !points.complete(points.canonical(trial.parameters));
  });
  known_.pending.clear();
  for (const Trial& trial : pending_) known_.pending.insert(Points::key(points.canonical(trial.parameters)));
}

}  // namespace warpbo::study
