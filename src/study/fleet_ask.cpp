/// Asks of many studies at once.
///
/// First the hyperparameter searches with which their asks would begin are collected, made in one batch and handed back, as
/// often as such a search leads to another (a cold one to a refinement); then every study is asked as if it were alone, and
/// finds its searches made. A study that does not even say what it would search within a moment is left out of the batch, and
/// makes its searches itself.
#include <warpbo/fleet.hpp>

#include "samplers/shared_fit.hpp"
#include "study/fleet_impl.hpp"

#include <map>
#include <utility>

namespace warpbo {

namespace {

using study::Gathering;
using Search = samplers::SharedFit::Search;

/// How long all wait for the last ones to say what they would search: this, or as long as the others took, in seconds.
constexpr double kPatience = 0.2;

}  // namespace

/// One call. Owned by it and by its tasks, which may outlive it.
class Fleet::AskCall : public std::enable_shared_from_this<Fleet::AskCall> {
 public:
  AskCall(Impl& fleet, std::span<const Ask> asks, const AskSettings& settings)
      : fleet_(fleet),
        asks_(asks.begin(), asks.end()),
        on_answer_(settings.on_answer),
        answers_(asks.size()),
        answered_(asks.size(), 0),
        gathering_(fleet.crew, settings.max_seconds) {
    std::map<Id, std::vector<std::size_t>> by_study;
    for (std::size_t i = 0; i < asks_.size(); ++i) {
      answers_[i].study = asks_[i].study;
      by_study[asks_[i].study].push_back(i);
    }
    for (auto& [id, indices] : by_study) {
      if (auto entry = fleet_.find(id)) {
        missing_ += indices.size();
        chains_.push_back({std::move(entry), std::move(indices)});
        continue;
      }
      for (const std::size_t i : indices) {
        answers_[i].error = study::no_such_study(id);
        answered_[i] = 1;
      }
    }
  }

  std::vector<Asked> run() {
    share_searches();
    std::unique_lock lock(gathering_.mutex());
    gathering_.wait(lock, [&] { return missing_ == 0; });
    abandoned_ = true;
    // Whoever is inside on_answer at this moment came in time.
    delivered_.wait(lock, [&] { return delivering_ == 0; });
    for (std::size_t i = 0; i < answers_.size(); ++i)
      if (answered_[i] == 0) answers_[i].error = study::too_late("what it proposes later comes with its next ask");
    return std::move(answers_);
  }

 private:
  /// The asks of one study, in their order.
  struct Chain {
    Impl::EntryPointer entry;
    std::vector<std::size_t> asks;
    // Touched by its task while that looks for a search, by the call's thread otherwise.
    std::optional<Search> search = {};
    std::optional<gp::FitReport> report = {};
    bool looking = false;     // guarded by the mutex, as the next
    bool on_its_own = false;  // nobody waits for it any more
  };

  void share_searches() {
    std::vector<Chain*> sharing;
    for (Chain& chain : chains_) sharing.push_back(&chain);
    // A cold search and a refinement, and once more if somebody told results meanwhile.
    for (int round = 0; round < 4 && sharing.size() > 1 && !gathering_.deadline().passed(); ++round) {
      look(sharing);
      std::vector<Chain*> searching;
      {
        const std::lock_guard lock(gathering_.mutex());
        for (Chain* chain : sharing) {
          if (chain->looking)
            chain->on_its_own = true;
          else if (chain->search)
            searching.push_back(chain);
          else
            begin_ask(*chain);
        }
      }
      std::map<std::string, std::vector<Chain*>> by_device;
      for (Chain* chain : searching) by_device[chain->entry->device.name()].push_back(chain);
      sharing.clear();
      for (const auto& [device, chains] : by_device) {
        if (search_together(chains)) {
          sharing.insert(sharing.end(), chains.begin(), chains.end());
        } else {
          for (Chain* chain : chains) begin_ask(*chain);
        }
      }
    }
    for (Chain* chain : sharing) begin_ask(*chain);
  }

  /// All say what they would search, side by side.
  void look(const std::vector<Chain*>& chains) {
    const auto start = std::chrono::steady_clock::now();
    {
      const std::lock_guard lock(gathering_.mutex());
      for (Chain* chain : chains) chain->looking = true;
      looking_ = chains.size();
    }
    for (Chain* chain : chains) fleet_.crew.add([self = shared_from_this(), chain] { self->look_for_search(*chain); });
    std::unique_lock lock(gathering_.mutex());
    for (std::size_t before = looking_ + 1; looking_ > 0 && looking_ < before;) {
      before = looking_;
      const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      gathering_.wait(
          lock, [&] { return looking_ == 0; }, Deadline(std::max(kPatience, taken)));
    }
  }

  void look_for_search(Chain& chain) {
    std::optional<Search> found;
    try {
      accept_search(chain);
      found = chain.entry->study.impl_->next_search(asks_[chain.asks.front()].options);
    } catch (...) {
      // Whatever it is, the ask meets it again and reports it.
    }
    chain.search = std::move(found);
    const std::lock_guard lock(gathering_.mutex());
    chain.looking = false;
    if (chain.on_its_own) return begin_ask(chain);
    --looking_;
    if (looking_ == 0) gathering_.notify();
  }

  static void accept_search(Chain& chain) {
    if (chain.search && chain.report) chain.entry->study.impl_->accept_search(*chain.search, *chain.report);
    chain.search.reset();
    chain.report.reset();
  }

  /// One batch; false if it failed or was ended, which costs time and nothing else.
  bool search_together(const std::vector<Chain*>& chains) {
    try {
      std::vector<gp::FitTask> tasks;
      for (const Chain* chain : chains) tasks.push_back(chain->search->task());
      const backend::Opened opened = fleet_.devices->open(chains.front()->entry->device);
      const auto turn = opened.turn ? std::unique_lock(*opened.turn) : std::unique_lock<std::mutex>();
      backend::Arena arena(opened.backend);
      std::vector<gp::FitReport> reports = gp::fit(arena, tasks, [this] {
        fleet_.crew.relieve();
        return gathering_.deadline().passed();
      });
      if (gathering_.deadline().passed()) return false;
      for (std::size_t i = 0; i < chains.size(); ++i) chains[i]->report = std::move(reports[i]);
      return true;
    } catch (...) {
      return false;
    }
  }

  void begin_ask(Chain& chain) {
    fleet_.crew.add([self = shared_from_this(), &chain] { self->ask(chain); });
  }

  void ask(Chain& chain) {
    for (const std::size_t index : chain.asks) {
      if (abandoned()) return;
      Asked answer;
      answer.study = chain.entry->id;
      try {
        accept_search(chain);
        answer.trials = chain.entry->study.ask(asks_[index].options);
      } catch (...) {
        answer.error = study::current_error();
      }
      deliver(chain, index, std::move(answer));
    }
    fleet_.keep_in_bounds(chain.entry);
  }

  [[nodiscard]] bool abandoned() {
    const std::lock_guard lock(gathering_.mutex());
    return abandoned_;
  }

  void deliver(Chain& chain, std::size_t index, Asked answer) {
    std::unique_lock lock(gathering_.mutex());
    if (abandoned_) {
      lock.unlock();
      return queue_again(chain.entry->study, answer.trials);
    }
    if (on_answer_) {
      ++delivering_;
      lock.unlock();
      try {
        on_answer_(answer);
      } catch (...) {
        // Nothing that a receiver does may cost a trial.
      }
      lock.lock();
      --delivering_;
      delivered_.notify_all();
    }
    answers_[index] = std::move(answer);
    answered_[index] = 1;
    --missing_;
    if (missing_ == 0) gathering_.notify();
  }

  /// Trials that nobody waits for any more.
  static void queue_again(Study& study, const std::vector<Trial>& trials) {
    for (const Trial& trial : trials) {
      try {
        (void)study.requeue(trial.number);
      } catch (...) {
        // It stays running, as that of a worker that died.
      }
    }
  }

  Impl& fleet_;
  const std::vector<Ask> asks_;
  const std::function<void(const Asked&)> on_answer_;
  std::vector<Chain> chains_;  // not changed once tasks refer to them
  std::vector<Asked> answers_;
  std::vector<unsigned char> answered_;
  Gathering gathering_;
  std::condition_variable delivered_;
  std::size_t missing_ = 0;  // answers; guarded by the mutex, as the rest
  std::size_t looking_ = 0;
  std::size_t delivering_ = 0;
  bool abandoned_ = false;
};

std::vector<Fleet::Asked> Fleet::ask(std::span<const Ask> asks, const AskSettings& settings) {
  return std::make_shared<AskCall>(*impl_, asks, settings)->run();
}

std::vector<Fleet::Asked> Fleet::ask(std::span<const Ask> asks, double max_seconds) {
  AskSettings settings;
  settings.max_seconds = max_seconds;
  return ask(asks, settings);
}

}  // namespace warpbo
