// What every store does, run over each kind.
#include "storage/support.hpp"

#include <cmath>
#include <limits>
#include <thread>

namespace warpbo {
namespace {

using namespace storage_test;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Contract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    storage = open_storage(std::string(GetParam()) == "memory" ? "memory:" : "sqlite:" + (directory / "store.db"));
  }

  /// The same store as another process would see it; memory has only one view.
  std::shared_ptr<Storage> reopened() {
    return std::string(GetParam()) == "memory" ? storage : open_storage("sqlite:" + (directory / "store.db"));
  }

  std::int64_t new_study(const std::string& name = "s") { return storage->create_study(name, Direction::minimize, {}).id; }

  TemporaryDirectory directory;
  std::shared_ptr<Storage> storage;
};

INSTANTIATE_TEST_SUITE_P(Stores, Contract, ::testing::Values("memory", "sqlite"),
                         [](const auto& store) { return std::string(store.param); });

TEST_P(Contract, StudiesKeepNameDirectionAndAttributes) {
  const StudyRecord made =
      storage->create_study("é 1", Direction::maximize, {{"warpbo:space", R"({"a": 1})"}, {"note", "\"hi\""}});
  EXPECT_GE(made.id, 1);
  EXPECT_TRUE(made.attributes.contains("warpbo:uuid"));
  new_study("other");
  const auto found = reopened()->find_study("é 1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, made.id);
  EXPECT_EQ(found->direction, Direction::maximize);
  EXPECT_EQ(found->attributes, made.attributes);
  EXPECT_EQ(found->attributes.at("note"), "\"hi\"");
  EXPECT_FALSE(storage->find_study("absent"));
  EXPECT_EQ(storage->studies().size(), 2U);
  storage->set_study_attribute(made.id, "note", "2");
  EXPECT_EQ(reopened()->find_study("é 1")->attributes.at("note"), "2");
}

TEST_P(Contract, RefusesBadNamesAttributesAndDuplicates) {
  new_study("s");
  EXPECT_EQ(error_of([&] { new_study("s"); }), ErrorCode::conflict);
  EXPECT_EQ(error_of([&] { new_study(""); }), ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] { new_study(std::string(513, 'x')); }), ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] { new_study("a\xFF"); }), ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] { new_study(std::string("a\0b", 3)); }), ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] { new_study(std::string(512, 'x')); }), std::nullopt);
  std::string message;
  EXPECT_EQ(error_of([&] { storage->set_study_attribute(1, "k", "no json"); }, &message), ErrorCode::invalid_argument);
  EXPECT_NE(message.find("\"k\""), std::string::npos) << message;
  EXPECT_EQ(error_of([&] { storage->set_study_attribute(1, "k", "NaN"); }), ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] { storage->set_study_attribute(1, "", "1"); }), ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] { storage->set_study_attribute(99, "k", "1"); }), ErrorCode::not_found);
  EXPECT_EQ(storage->studies().size(), 2U);
}

TEST_P(Contract, TrialsKeepEveryKindOfValueExactly) {
  const Space space = full_space();
  const std::int64_t study = new_study();
  Parameters adam = full_point();
  Parameters without;
  for (const auto& [name, value] : adam) {
    if (name == "opt") {
      without.set(name, std::string("adam"));
    } else if (name == "mixed") {
      without.set(name, std::string("1"));
    } else if (name != "momentum") {
      without.set(name, value);
    }
  }
  const std::vector<NewTrial> fresh = {{TrialState::running, full_point(), {}, {}, {{"warpbo:origin", "\"sobol\""}}},
                                       {TrialState::running, without, {}, {}, {}}};
  const std::vector<Trial> made = storage->create_trials(study, space, fresh);
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].number, 0);
  EXPECT_EQ(made[1].number, 1);
  EXPECT_LT(made[0].id, made[1].id);
  EXPECT_TRUE(made[0].started);
  EXPECT_FALSE(made[0].finished);
  const std::vector<Trial> read = read_all(*reopened(), study, space);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].parameters, full_point());
  EXPECT_EQ(read[1].parameters, without);
  EXPECT_EQ(read[0].attributes, (std::map<std::string, std::string>{{"warpbo:origin", "\"sobol\""}}));
  EXPECT_EQ(read[0].started, made[0].started);
  EXPECT_EQ(read[0].id, made[0].id);
}

TEST_P(Contract, S7_IntegersAreExactUpToTwoToThe53) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 53;
  Space space;
  space.integer("i", -kLimit, kLimit);
  const std::int64_t study = new_study();
  std::vector<NewTrial> fresh;
  for (const std::int64_t value : {-kLimit, -kLimit + 1, std::int64_t{0}, kLimit - 1, kLimit}) {
    fresh.push_back({TrialState::running, {{"i", value}}, {}, {}, {}});
  }
  storage->create_trials(study, space, fresh);
  const auto read = read_all(*reopened(), study, space);
  for (std::size_t i = 0; i < fresh.size(); ++i) EXPECT_EQ(read[i].parameters, fresh[i].parameters);
}

TEST_P(Contract, S8_ChoicesKeepBytesAndTypes) {
  std::vector<Value> choices = {Value(std::int64_t{1}),
                                Value(std::string("1")),
                                Value(true),
                                Value(std::string()),
                                Value(std::string("\xF0\x9F\x98\x80\n\t\x7F")),
                                Value(std::string(65536, 'x')),
                                Value(1e-300),
                                Value(std::string("None")),
                                Value(std::string("nan"))};
  Space space;
  space.categorical("c", choices);
  const std::int64_t study = new_study();
  std::vector<NewTrial> fresh;
  for (const Value& choice : choices) fresh.push_back({TrialState::running, {{"c", choice}}, {}, {}, {}});
  storage->create_trials(study, space, fresh);
  storage->create_trials(study, space, fresh);
  const auto read = read_all(*reopened(), study, space);
  ASSERT_EQ(read.size(), 2 * choices.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i].parameters.at("c"), choices[i % choices.size()]) << i;
}

TEST_P(Contract, RefusesValuesThatDoNotFitTheSpaceAndChangesNothing) {
  const std::int64_t study = new_study();
  std::string message;
  const std::vector<NewTrial> unknown = {running(0.5), {TrialState::running, {{"y", 1.0}}, {}, {}, {}}};
  EXPECT_EQ(error_of([&] { storage->create_trials(study, one_real(), unknown); }, &message), ErrorCode::invalid_argument);
  EXPECT_NE(message.find("\"y\""), std::string::npos) << message;
  const std::vector<NewTrial> wrong = {{TrialState::running, {{"x", std::string("a")}}, {}, {}, {}}};
  EXPECT_EQ(error_of([&] { storage->create_trials(study, one_real(), wrong); }), ErrorCode::invalid_argument);
  const std::vector<NewTrial> valueless = {{TrialState::complete, {{"x", 0.5}}, {}, {}, {}}};
  EXPECT_EQ(error_of([&] { storage->create_trials(study, one_real(), valueless); }), ErrorCode::invalid_argument);
  EXPECT_TRUE(read_all(*storage, study, one_real()).empty());
  EXPECT_EQ(error_of([&] { storage->create_trials(77, one_real(), std::vector{running(0.5)}); }), ErrorCode::not_found);
}

TEST_P(Contract, FinishStoresValuesInfinitiesAndReasons) {
  const std::int64_t study = new_study();
  const auto made =
      storage->create_trials(study, one_real(), std::vector{running(0.1), running(0.2), running(0.3), running(0.4)});
  const std::vector<Storage::Finish> finishes = {{made[0].id, TrialState::complete, 0.1 + 0.2, "", {{"secs", "1.5"}}},
                                                 {made[1].id, TrialState::complete, kInfinity, "", {}},
                                                 {made[2].id, TrialState::complete, -kInfinity, "", {}},
                                                 {made[3].id, TrialState::failed, std::nullopt, "exit 1: \"boom\"\n\xFF", {}}};
  EXPECT_EQ(storage->finish_trials(finishes), (std::vector<bool>{true, true, true, true}));
  const auto read = read_all(*reopened(), study, one_real());
  EXPECT_EQ(read[0].value, 0.1 + 0.2);
  EXPECT_EQ(read[0].attributes.at("secs"), "1.5");
  EXPECT_EQ(read[1].value, kInfinity);
  EXPECT_EQ(read[2].value, -kInfinity);
  EXPECT_EQ(read[3].state, TrialState::failed);
  EXPECT_FALSE(read[3].value);
  EXPECT_EQ(read[3].failure, "exit 1: \"boom\"\n\xFF");
  for (const Trial& trial : read) EXPECT_TRUE(trial.started && trial.finished && *trial.started <= *trial.finished);
  EXPECT_EQ(error_of([&] { storage->finish_trials(std::vector{completed(made[0].id, std::nan(""))}); }),
            ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] {
              storage->finish_trials(std::vector{Storage::Finish{made[0].id, TrialState::waiting, {}, {}, {}}});
            }),
            ErrorCode::invalid_argument);
}

TEST_P(Contract, C13_TheFirstResultWins) {
  const std::int64_t study = new_study();
  const auto made = storage->create_trials(study, one_real(), std::vector{running(0.1), running(0.2)});
  EXPECT_EQ(storage->finish_trials(std::vector{completed(made[0].id, 1), completed(made[0].id, 2)}),
            (std::vector<bool>{true, false}));
  EXPECT_EQ(reopened()->finish_trials(std::vector{completed(made[0].id, 3), completed(made[1].id, 4)}),
            (std::vector<bool>{false, true}));
  const Storage::Finish late{made[1].id, TrialState::failed, {}, "late", {{"a", "1"}}};
  EXPECT_EQ(storage->finish_trials(std::vector{late}), (std::vector<bool>{false}));
  const auto read = read_all(*storage, study, one_real());
  EXPECT_EQ(read[0].value, 1);
  EXPECT_EQ(read[1].value, 4);
  EXPECT_TRUE(read[1].failure.empty());
  EXPECT_TRUE(read[1].attributes.empty());
}

TEST_P(Contract, C14_UnknownTrialsAreNotFoundAndNothingHappens) {
  const std::int64_t study = new_study();
  const auto made = storage->create_trials(study, one_real(), std::vector{running(0.1)});
  EXPECT_EQ(error_of([&] {
              storage->finish_trials(std::vector{completed(made[0].id, 1), completed(999, 2)});
            }),
            ErrorCode::not_found);
  EXPECT_EQ(read_all(*storage, study, one_real())[0].state, TrialState::running);
  EXPECT_EQ(error_of([&] { storage->requeue_trial(999); }), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { storage->set_trial_attribute(999, "k", "1"); }), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { storage->set_trial_parameters(999, one_real(), {{"x", 0.5}}); }), ErrorCode::not_found);
}

TEST_P(Contract, C14_ARecreatedStudyIsAnotherStudy) {
  const std::shared_ptr<Storage> other = reopened();
  const std::int64_t study = new_study();
  const auto made = storage->create_trials(study, one_real(), std::vector{running(0.1), running(0.2)});
  EXPECT_EQ(other->find_study("s")->id, study);
  storage->delete_study(study);
  const StudyRecord second = storage->create_study("s", Direction::minimize, {});
  const auto fresh = storage->create_trials(second.id, one_real(), std::vector{running(0.3)});
  EXPECT_EQ(fresh[0].number, 0);
  for (Storage* store : {storage.get(), other.get()}) {
    EXPECT_EQ(error_of([&] { store->finish_trials(std::vector{completed(made[0].id, 1)}); }), ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { store->finish_trials(std::vector{completed(made[1].id, 1)}); }), ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { store->create_trials(study, one_real(), std::vector{running(0.5)}); }), ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { store->read_trials(study, one_real(), 0, {}); }), ErrorCode::not_found);
  }
  EXPECT_EQ(read_all(*other, second.id, one_real()).size(), 1U);
  EXPECT_EQ(read_all(*other, second.id, one_real())[0].state, TrialState::running);
}

TEST_P(Contract, C15_AskAfterDeletionIsNotFoundAndDoesNotBringTheStudyBack) {
  const std::shared_ptr<Storage> other = reopened();
  const std::int64_t study = new_study();
  storage->create_trials(study, one_real(), std::vector{running(0.1), waiting(0.2)});
  other->delete_study(study);
  EXPECT_EQ(error_of([&] { storage->create_trials(study, one_real(), std::vector{running(0.5)}); }), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { storage->claim_waiting(study, 1); }), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { storage->delete_study(study); }), ErrorCode::not_found);
  EXPECT_TRUE(storage->studies().empty());
}

TEST_P(Contract, WaitingTrialsAreClaimedOnceInOrder) {
  const Space space = full_space();
  const std::int64_t study = storage->create_study("s", Direction::minimize, {{"warpbo:space", space.to_json()}}).id;
  std::vector<NewTrial> queue(3, NewTrial{TrialState::waiting, full_point(), {}, {}, {{"who", "\"me\""}}});
  queue.push_back({TrialState::running, full_point(), {}, {}, {}});
  const auto made = storage->create_trials(study, space, queue);
  EXPECT_FALSE(made[0].started);
  const auto first = reopened()->claim_waiting(study, 2);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].number, 0);
  EXPECT_EQ(first[1].number, 1);
  EXPECT_EQ(first[0].state, TrialState::running);
  EXPECT_EQ(first[0].parameters, full_point());
  EXPECT_EQ(first[0].attributes.at("who"), "\"me\"");
  EXPECT_TRUE(first[0].started);
  const auto second = storage->claim_waiting(study, 5);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].number, 2);
  EXPECT_TRUE(storage->claim_waiting(study, 1).empty());
  EXPECT_TRUE(storage->claim_waiting(study, 0).empty());
}

TEST_P(Contract, RequeuedTrialsKeepTheirParameters) {
  const std::int64_t study = new_study();
  const auto made = storage->create_trials(study, one_real(), std::vector{running(0.25)});
  EXPECT_TRUE(storage->requeue_trial(made[0].id));
  EXPECT_FALSE(storage->requeue_trial(made[0].id));
  EXPECT_EQ(read_all(*reopened(), study, one_real())[0].state, TrialState::waiting);
  const auto claimed = storage->claim_waiting(study, 1);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].parameters, made[0].parameters);
  storage->finish_trials(std::vector{completed(made[0].id, 1)});
  EXPECT_FALSE(storage->requeue_trial(made[0].id));
}

TEST_P(Contract, PartialEnqueuesAreCompleted) {
  const Space space = full_space();
  const std::int64_t study = storage->create_study("s", Direction::minimize, {{"warpbo:space", space.to_json()}}).id;
  storage->create_trials(study, space,
                         std::vector{NewTrial{TrialState::waiting, {{"lr", 0.01}, {"opt", std::string("adam")}}, {}, {}, {}}});
  const auto claimed = storage->claim_waiting(study, 1);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].parameters, (Parameters{{"lr", 0.01}, {"opt", std::string("adam")}}));
  storage->set_trial_parameters(claimed[0].id, space, full_point());
  EXPECT_EQ(read_all(*reopened(), study, space)[0].parameters, full_point());
  storage->finish_trials(std::vector{completed(claimed[0].id, 1)});
  EXPECT_EQ(error_of([&] { storage->set_trial_parameters(claimed[0].id, space, full_point()); }), ErrorCode::already_finished);
  EXPECT_EQ(read_all(*storage, study, space)[0].parameters, full_point());
}

TEST_P(Contract, DeltaReadsGiveNewAndChangedTrials) {
  const std::int64_t study = new_study();
  const std::int64_t elsewhere = new_study("other");
  const auto made = storage->create_trials(study, one_real(), std::vector{running(0.1), running(0.2), waiting(0.3)});
  storage->create_trials(elsewhere, one_real(), std::vector{running(0.9)});
  storage->finish_trials(std::vector{completed(made[0].id, 5)});
  const auto fresh = storage->create_trials(study, one_real(), std::vector{running(0.4)});
  const std::vector<std::int64_t> unfinished = {made[0].id, made[1].id, made[2].id};
  const auto delta = reopened()->read_trials(study, one_real(), made[2].id, unfinished);
  ASSERT_GE(delta.size(), 2U);
  EXPECT_EQ(delta.front().number, 0);
  EXPECT_EQ(delta.front().value, 5);
  EXPECT_EQ(delta.back().id, fresh[0].id);
  EXPECT_EQ(storage->read_trials(study, one_real(), fresh[0].id, {}).size(), 0U);
  EXPECT_EQ(storage->read_trials(study, one_real(), 0, unfinished).size(), 4U) << "each trial only once";
}

TEST_P(Contract, NumbersAreDensePerStudy) {
  const std::int64_t a = new_study("a");
  const std::int64_t b = new_study("b");
  for (int round = 0; round < 3; ++round) {
    for (const std::int64_t study : {a, b}) {
      const auto made = storage->create_trials(study, one_real(), std::vector{running(0.1), running(0.2)});
      EXPECT_EQ(made[0].number, 2 * round);
      EXPECT_EQ(made[1].number, 2 * round + 1);
    }
  }
}

TEST_P(Contract, VersionChangesWithEveryChange) {
  const std::shared_ptr<Storage> other = reopened();
  const std::int64_t study = new_study();
  std::uint64_t last = other->version();
  const auto changed = [&](const char* what) {
    const std::uint64_t now = other->version();
    EXPECT_NE(now, last) << what;
    EXPECT_EQ(other->version(), now) << "nothing happened since";
    last = now;
  };
  const auto made = storage->create_trials(study, one_real(), std::vector{running(0.1)});
  changed("create");
  storage->finish_trials(std::vector{completed(made[0].id, 1)});
  changed("finish");
  other->set_study_attribute(study, "k", "1");
  changed("own change");
  storage->delete_study(study);
  changed("delete");
}

TEST_P(Contract, OtherSpacesSkipWhatTheyDoNotKnow) {
  const std::int64_t study = new_study();
  Space wide;
  wide.real("x", 0, 1);
  wide.integer("gone", 0, 9);
  wide.categorical("c", {"a", "b"});
  storage->create_trials(
      study, wide,
      std::vector{NewTrial{TrialState::running, {{"x", 0.5}, {"gone", std::int64_t{3}}, {"c", std::string("b")}}, {}, {}, {}}});
  Space narrow;
  narrow.integer("c", 0, 5);
  narrow.real("x", 0, 0.1);
  const auto read = read_all(*storage, study, narrow);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].parameters, (Parameters{{"x", 0.5}})) << "outside the new limits, and not clamped";
  const std::string unread = read[0].attributes.at("warpbo:unread");
  EXPECT_NE(unread.find("\"gone\""), std::string::npos) << unread;
  EXPECT_NE(unread.find("\"c\""), std::string::npos) << unread;
}

TEST_P(Contract, SpacesAreInferredFromTrials) {
  const std::int64_t study = new_study();
  EXPECT_EQ(error_of([&] { infer_space(*storage, study); }), ErrorCode::need_more_data);
  Space space;
  space.real("lr", 1e-5, 1e-1).log();
  space.real("drop", 0.0, 0.9).step(0.3);
  space.integer("width", 16, 256).step(16);
  space.categorical("mixed", std::vector<Value>{Value(std::int64_t{1}), Value(1.5), Value(true), Value(std::string("1"))});
  const Parameters point = {{"lr", 0.001}, {"drop", 0.3}, {"width", std::int64_t{32}}, {"mixed", true}};
  storage->create_trials(study, space, std::vector{NewTrial{TrialState::running, point, {}, {}, {}}});
  const Space inferred = infer_space(*storage, study);
  EXPECT_EQ(inferred.to_json(), space.to_json());
  Space wider;
  wider.real("lr", 1e-6, 1e-2).log();
  wider.integer("width", 8, 512).step(8);
  storage->create_trials(study, wider,
                         std::vector{NewTrial{TrialState::running, {{"lr", 0.001}, {"width", std::int64_t{8}}}, {}, {}, {}}});
  const Space united = infer_space(*storage, study);
  EXPECT_EQ(united.find("lr")->low, 1e-6);
  EXPECT_EQ(united.find("lr")->high, 1e-1);
  EXPECT_EQ(united.find("width")->int_low, 8);
  EXPECT_EQ(united.find("width")->int_high, 512);
  EXPECT_FALSE(united.find("width")->int_step);
}

TEST_P(Contract, ThreadsShareOneObject) {
  const std::int64_t study = new_study();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const auto made = storage->create_trials(study, one_real(), std::vector{running(0.5)});
        storage->finish_trials(std::vector{completed(made[0].id, i)});
        storage->read_trials(study, one_real(), made[0].id - 1, {});
        storage->version();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto read = read_all(*storage, study, one_real());
  ASSERT_EQ(read.size(), 100U);
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i].number, static_cast<std::int64_t>(i));
}

}  // namespace
}  // namespace warpbo
