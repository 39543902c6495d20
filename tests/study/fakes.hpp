/// Stand-ins for what a study works with: a store that fails on order and samplers that do as they are told.
#pragma once

#include <warpbo/study.hpp>

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace warpbo::testing {

/// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "warpbo-study-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = path;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string store(const std::string& name = "study.db") const { return "sqlite:" + (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Passes everything on to another store, except the call that `fail_in` counts down to.
class FailingStorage : public Storage {
 public:
  explicit FailingStorage(std::shared_ptr<Storage> inner) : inner_(std::move(inner)) {}

  std::atomic<int> fail_in{-1};     ///< the call that fails: 0 is the next one; negative: none
  std::atomic<bool> sticky{false};  ///< fail every call from then on
  std::atomic<int> calls{0};
  ErrorCode code = ErrorCode::resource_exhausted;

  StudyRecord create_study(std::string_view name, Direction direction,
                           const std::map<std::string, std::string>& attributes) override {
    step();
    return inner_->create_study(name, direction, attributes);
  }
  std::optional<StudyRecord> find_study(std::string_view name) override {
    step();
    return inner_->find_study(name);
  }
  std::vector<StudyRecord> studies() override {
    step();
    return inner_->studies();
  }
  void delete_study(std::int64_t study_id) override {
    step();
    inner_->delete_study(study_id);
  }
  void set_study_attribute(std::int64_t study_id, std::string_view key, std::string_view json) override {
    step();
    inner_->set_study_attribute(study_id, key, json);
  }
  std::vector<Trial> create_trials(std::int64_t study_id, const Space& space, std::span<const NewTrial> trials) override {
    step();
    return inner_->create_trials(study_id, space, trials);
  }
  std::vector<Trial> claim_waiting(std::int64_t study_id, std::int64_t count) override {
    step();
    return inner_->claim_waiting(study_id, count);
  }
  std::vector<bool> finish_trials(std::span<const Finish> finishes) override {
    step();
    return inner_->finish_trials(finishes);
  }
  bool requeue_trial(std::int64_t trial_id) override {
    step();
    return inner_->requeue_trial(trial_id);
  }
  void set_trial_attribute(std::int64_t trial_id, std::string_view key, std::string_view json) override {
    step();
    inner_->set_trial_attribute(trial_id, key, json);
  }
  void set_trial_parameters(std::int64_t trial_id, const Space& space, const Parameters& parameters) override {
    step();
    inner_->set_trial_parameters(trial_id, space, parameters);
  }
  std::vector<Trial> read_trials(std::int64_t study_id, const Space& space, std::int64_t after_id,
                                 std::span<const std::int64_t> unfinished) override {
    step();
    return inner_->read_trials(study_id, space, after_id, unfinished);
  }
  std::vector<ParameterSpec> parameters_seen(std::int64_t study_id) override {
    step();
    return inner_->parameters_seen(study_id);
  }
  std::uint64_t version() override {
    step();
    return inner_->version();
  }
  std::string url() const override { return inner_->url(); }
  bool read_only() const noexcept override { return inner_->read_only(); }

 private:
  void step() {
    ++calls;
    const int left = fail_in.load();
    if (left < 0) return;
    if (left == 0) {
      if (!sticky) fail_in = -1;
      throw Error(code, "the disk is full, says the test");
    }
    fail_in = left - 1;
  }

  std::shared_ptr<Storage> inner_;
};

/// A sampler made of a function.
class ScriptedSampler : public Sampler {
 public:
  using Script = std::function<SuggestResult(const SuggestRequest&)>;
  explicit ScriptedSampler(Script script) : script_(std::move(script)) {}
  SuggestResult suggest(const SuggestRequest& request) override { return script_(request); }
  std::string name() const override { return "scripted"; }

 private:
  Script script_;
};

/// Collects notices; may be called from several threads.
struct NoticeLog {
  std::mutex mutex;
  std::vector<std::string> sentences;

  std::function<void(std::string_view)> receiver() {
    return [this](std::string_view sentence) {
      const std::lock_guard lock(mutex);
      sentences.emplace_back(sentence);
    };
  }
  [[nodiscard]] int count(std::string_view part) {
    const std::lock_guard lock(mutex);
    int found = 0;
    for (const std::string& sentence : sentences) found += sentence.find(part) != std::string::npos ? 1 : 0;
    return found;
  }
};

/// x in [0, 1], an integer k in 0..10, a choice c, and m that exists for c == 'a' only.
inline Space mixed_space() {
  Space space;
  space.real("x", 0.0, 1.0);
  space.integer("k", 0, 10);
  space.categorical("c", {"a", "b"});
  space.real("m", -1.0, 1.0).when("c == 'a'");
  return space;
}

/// Twelve points.
inline Space finite_space() {
  Space space;
  space.integer("i", 1, 4);
  space.categorical("c", {"a", "b", "c"});
  return space;
}

inline StudyOptions options_with(SamplerKind kind, std::uint64_t seed = 0) {
  StudyOptions options;
  options.sampler.kind = kind;
  options.sampler.seed = seed;
  return options;
}

inline StudyOptions options_with(ScriptedSampler::Script script) {
  StudyOptions options;
  options.custom_sampler = std::make_shared<ScriptedSampler>(std::move(script));
  return options;
}

/// A study over a new in-memory store.
inline Study new_study(const Space& space, const StudyOptions& options = options_with(SamplerKind::sobol)) {
  return Study::create("s", space, options, "memory:");
}

/// The text of the error that `action` throws; fails the test if it throws none of this code.
template <class Action>
std::string error_text(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown; expected " << to_string(code);
  return {};
}

inline ::testing::AssertionResult mentions(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << text << "\" does not mention \"" << part << "\"";
}

}  // namespace warpbo::testing
