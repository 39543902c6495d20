#include "study/fakes.hpp"

#include <filesystem>

namespace warpbo::testing {
namespace {

const StudyOptions kSobol = options_with(SamplerKind::sobol);

TEST(StudyOpening, S1_S3_BadSpacesAreRefusedBeforeAnythingIsStored) {
  const std::shared_ptr<Storage> store = open_storage("memory:");
  error_text(ErrorCode::invalid_argument, [&] { (void)Study::create("s", Space(), kSobol, store); });
  error_text(ErrorCode::invalid_argument, [&] { (void)Study::open_or_create("s", Space(), kSobol, store); });
  EXPECT_TRUE(store->studies().empty());
}

TEST(StudyOpening, NamesAreChecked) {
  const std::shared_ptr<Storage> store = open_storage("memory:");
  for (const std::string& name :
       {std::string(), std::string("a\nb"), std::string("\xff"), std::string(513, 'n'), std::string("a\0b", 3)})
    error_text(ErrorCode::invalid_argument, [&] { (void)Study::create(name, mixed_space(), kSobol, store); });
  for (const char* name : {"../x", "ü 😀", "=cmd()"}) EXPECT_EQ(Study::create(name, mixed_space(), kSobol, store).name(), name);
}

TEST(StudyOpening, CreateRefusesATakenNameAndOpenAnUnknownOne) {
  const std::shared_ptr<Storage> store = open_storage("memory:");
  EXPECT_TRUE(mentions(error_text(ErrorCode::not_found, [&] { (void)Study::open("a", kSobol, store); }), "none"));
  (void)Study::create("a", mixed_space(), kSobol, store);
  error_text(ErrorCode::conflict, [&] { (void)Study::create("a", mixed_space(), kSobol, store); });
  const std::string text = error_text(ErrorCode::not_found, [&] { (void)Study::open("b", kSobol, store); });
  EXPECT_TRUE(mentions(text, "\"a\""));
  EXPECT_TRUE(mentions(text, "\"b\""));
}

TEST(StudyOpening, AStudyKeepsItsSpaceAndDirection) {
  const TemporaryDirectory directory;
  Space space = mixed_space();
  space.constrain("x + k <= 8");
  StudyOptions options = kSobol;
  options.direction = Direction::maximize;
  Study::create("s", space, options, directory.store()).tell(0 + Study::open("s", kSobol, directory.store()).ask().number, 4.0);
  Study again = Study::open("s", kSobol, directory.store());
  EXPECT_EQ(again.space(), space);
  EXPECT_EQ(again.direction(), Direction::maximize);
  EXPECT_EQ(again.best().value, 4.0);
  EXPECT_EQ(Study::open_or_create("s", space, options, directory.store()).count(), 1);
}

TEST(StudyOpening, S13_AnotherSpaceIsAConflictThatNamesTheDifference) {
  const std::shared_ptr<Storage> store = open_storage("memory:");
  (void)Study::open_or_create("s", mixed_space(), kSobol, store).ask();
  Space bounds;
  bounds.real("x", 0.0, 2.0);
  bounds.integer("k", 0, 10);
  bounds.categorical("c", {"a", "b"});
  bounds.real("m", -1.0, 1.0).when("c == 'a'");
  EXPECT_TRUE(mentions(error_text(ErrorCode::conflict, [&] { (void)Study::open_or_create("s", bounds, kSobol, store); }), "x"));
  Space level;
  level.real("x", 0.0, 1.0);
  level.integer("k", 0, 10);
  level.categorical("c", {"a", "b", "new"});
  level.real("m", -1.0, 1.0).when("c == 'a'");
  EXPECT_TRUE(
      mentions(error_text(ErrorCode::conflict, [&] { (void)Study::open_or_create("s", level, kSobol, store); }), "new"));
  Space more = mixed_space();
  more.boolean("flag");
  EXPECT_TRUE(
      mentions(error_text(ErrorCode::conflict, [&] { (void)Study::open_or_create("s", more, kSobol, store); }), "flag"));
  StudyOptions maximize = kSobol;
  maximize.direction = Direction::maximize;
  EXPECT_TRUE(mentions(
      error_text(ErrorCode::conflict, [&] { (void)Study::open_or_create("s", mixed_space(), maximize, store); }), "minimize"));
  EXPECT_EQ(Study::open_or_create("s", mixed_space(), kSobol, store).count(), 1);
}

TEST(StudyOpening, C14_AStudyThatWasDeletedAndMadeAgainIsNotFound) {
  const TemporaryDirectory directory;
  for (const std::string& url : {std::string("memory:"), directory.store()}) {
    const std::shared_ptr<Storage> store = open_storage(url);
    Study old = Study::create("s", mixed_space(), kSobol, store);
    const Trial trial = old.ask();
    const Trial other = old.ask();
    store->delete_study(store->find_study("s")->id);
    Study fresh = Study::create("s", mixed_space(), kSobol, store);
    (void)fresh.ask(2);
    EXPECT_TRUE(mentions(error_text(ErrorCode::not_found, [&] { old.tell(trial, 1.0); }), "another study"));
    error_text(ErrorCode::not_found, [&] { old.fail(other, "x"); });
    error_text(ErrorCode::not_found, [&] { (void)old.ask(); });
    error_text(ErrorCode::not_found, [&] { (void)old.best(); });
    EXPECT_EQ(fresh.count(TrialState::running), 2) << "the new study was not touched";
  }
}

TEST(StudyOpening, C15_AskAfterDeletionIsNotFoundAndNothingComesBack) {
  const TemporaryDirectory directory;
  for (const std::string& url : {std::string("memory:"), directory.store()}) {
    const std::shared_ptr<Storage> store = open_storage(url);
    const std::int64_t id = (Study::create("s", mixed_space(), kSobol, store), store->find_study("s")->id);
    StudyOptions deleting = options_with([&](const SuggestRequest&) -> SuggestResult {
      store->delete_study(id);  // while the model is at work
      SuggestResult result;
      result.suggestions.push_back({{{"x", 0.5}, {"k", std::int64_t{3}}, {"c", std::string("b")}}, "mine"});
      return result;
    });
    Study study = Study::open("s", deleting, store);
    error_text(ErrorCode::not_found, [&] { (void)study.ask(); });
    error_text(ErrorCode::not_found, [&] { (void)study.ask(); });
    error_text(ErrorCode::not_found, [&] { (void)study.enqueue({{"x", 0.5}}); });
    EXPECT_TRUE(store->studies().empty());
  }
}

TEST(StudyOpening, C5_AReadOnlyStudyAnswersAndRefusesChanges) {
  const TemporaryDirectory directory;
  {
    Study study = Study::create("s", mixed_space(), kSobol, directory.store());
    study.tell(study.ask(), 1.0);
    (void)study.ask();
  }
  Study study = Study::open("s", kSobol, directory.store(), OpenMode::read_only);
  EXPECT_EQ(study.best().value, 1.0);
  EXPECT_EQ(study.history().size(), 2U);
  EXPECT_EQ(study.pending().size(), 1U);
  error_text(ErrorCode::read_only, [&] { (void)study.ask(); });
  error_text(ErrorCode::read_only, [&] { study.tell(1, 1.0); });
  error_text(ErrorCode::read_only, [&] { study.fail(1, "x"); });
  error_text(ErrorCode::read_only, [&] { (void)study.enqueue({}); });
  error_text(ErrorCode::read_only, [&] { (void)study.requeue(1); });
  error_text(ErrorCode::read_only, [&] { study.set_attribute(1, "a", "1"); });
  EXPECT_EQ(study.count(TrialState::running), 1);
}

/// A study as Optuna makes it: trials with distributions, no space.
std::shared_ptr<Storage> foreign_store(const Space& space) {
  std::shared_ptr<Storage> store = open_storage("memory:");
  const StudyRecord record = store->create_study("theirs", Direction::minimize, {});
  std::vector<NewTrial> trials(2);
  for (int i = 0; i < 2; ++i) {
    NewTrial& trial = trials[static_cast<std::size_t>(i)];
    trial.state = TrialState::complete;
    trial.parameters = {{"x", 0.25 + i * 0.5}, {"k", std::int64_t{i}}, {"c", std::string(i == 0 ? "a" : "b")}};
    if (i == 0) trial.parameters.set("m", 0.5);
    trial.value = i + 1.0;
  }
  (void)store->create_trials(record.id, space, trials);
  return store;
}

TEST(StudyOpening, AForeignStudyIsContinuedWithTheSpaceOfItsTrials) {
  NoticeLog notices;
  StudyOptions options = kSobol;
  options.on_notice = notices.receiver();
  Study study = Study::open("theirs", options, foreign_store(mixed_space()));
  EXPECT_EQ(study.space().parameters().size(), 4U);
  EXPECT_EQ(study.best().value, 1.0);
  EXPECT_EQ(study.ask().number, 2);
  EXPECT_EQ(notices.count("\"m\""), 1) << "not every trial has it";
  const StudyRecord record = *study.storage().find_study("theirs");
  EXPECT_EQ(record.attributes.count("warpbo:space"), 0U) << "opening writes nothing";
}

TEST(StudyOpening, S13_AForeignStudyTakesASpaceThatFitsItsTrials) {
  const std::shared_ptr<Storage> store = foreign_store(mixed_space());
  Space other;
  other.real("x", 0.0, 3.0);
  EXPECT_TRUE(
      mentions(error_text(ErrorCode::conflict, [&] { (void)Study::open_or_create("theirs", other, kSobol, store); }), "x"));
  Study study = Study::open_or_create("theirs", mixed_space(), kSobol, store);
  EXPECT_EQ(study.count(), 2);
  EXPECT_EQ(Study::open("theirs", kSobol, store).space(), mixed_space()) << "conditions included";
}

TEST(StudyOpening, AStudyMoves) {
  Study study = new_study(mixed_space());
  const Trial trial = study.ask();
  Study moved = std::move(study);
  moved.tell(trial, 2.0);
  study = std::move(moved);
  EXPECT_EQ(study.best().value, 2.0);
}

}  // namespace
}  // namespace warpbo::testing
