// The real command from end to end: sweeps, errors, resuming, sharing.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/cli_support.hpp"

namespace warpbo::cli {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

class Run : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = test::temporary_folder();
    marker_ = "WARPBO_TEST_MARK=" + folder_;
  }
  void TearDown() override {
    test::wait_until([&] { return test::processes_with(marker_) == 0; });
    std::filesystem::remove_all(folder_);
  }

  void script(const std::string& text) const { test::write_file(folder_ + "/job", "#!/bin/sh\n" + text, true); }
  /// warpbo run over x in 0..1 with ./job as the command.
  static Words sweep(Words options, Words command = {"./job", "{x}"}) {
    Words words = {"run", "--minimize", "loss", "-p", "x=0..1", "--sampler", "random"};
    words.insert(words.end(), options.begin(), options.end());
    words.push_back("--");
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }
  test::Ran warpbo(Words words) const { return test::warpbo(folder_, std::move(words), {marker_}); }
  Json status() const { return Json::parse(warpbo({"status", "--json"}).output); }
  Json trials() const { return Json::parse(warpbo({"export", "--format", "json"}).output); }

  std::string folder_, marker_;
};

TEST_F(Run, ASweepFromFlagsAlone) {
  script("echo \"epoch 1 loss=9\"; echo \"loss=$1\"");
  const test::Ran ran = warpbo(sweep({"--trials", "6", "--jobs", "2"}));
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_NE(ran.output.find("6 trials finished: 6 complete, 0 failed"), std::string::npos) << ran.output;
  const Json all = trials();
  ASSERT_EQ(all.size(), 6U);
  double best = 2;
  for (const Json& trial : all) {
    EXPECT_EQ(trial["value"], trial["parameters"]["x"]);  // what was told is what the command got, to the last bit
    best = std::min(best, trial["value"].get<double>());
  }
  EXPECT_EQ(status()["best"]["value"], best);
  // The last line can be pasted.
  const std::string line = ran.output.substr(ran.output.rfind("  ./job") + 2);
  EXPECT_EQ(line, "./job " + all[status()["best"]["number"].get<std::size_t>()]["parameters"]["x"].dump() + "\n");
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/runs/study/trials/000005/stdout"));
}

TEST_F(Run, ContinuesByDefaultAndCountsTheStoresTrials) {
  script("echo loss=$1");
  EXPECT_EQ(warpbo(sweep({"--trials", "3"})).code, 0);
  const test::Ran again = warpbo(sweep({"--trials", "5"}));
  EXPECT_EQ(again.code, 0);
  EXPECT_NE(again.output.find("continuing study \"study\" with 3 trials"), std::string::npos) << again.output;
  EXPECT_EQ(trials().size(), 5U);
  EXPECT_EQ(warpbo(sweep({"--trials", "5"})).code, 0);
  EXPECT_EQ(trials().size(), 5U);
}

TEST_F(Run, S13_AnotherSpaceIsAConflictNotASurprise) {
  script("echo loss=$1");
  EXPECT_EQ(warpbo(sweep({"--trials", "2"})).code, 0);
  Words changed = sweep({"--trials", "4"});
  changed[4] = "x=0..2";
  const test::Ran ran = warpbo(changed);
  EXPECT_EQ(ran.code, 1) << ran.output;
  EXPECT_EQ(trials().size(), 2U);
}

TEST_F(Run, SweepFileInitRunStatusBestExport) {
  script("echo loss=$WARPBO_PARAM_X");
  test::Ran ran =
      warpbo({"init", "./job ${args}", "x=0..1", "opt=a,b", "--minimize", "loss", "--trials", "4", "--sampler", "sobol"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_EQ(warpbo({"init", "./job", "x=0..1"}).code, 1);  // never overwritten
  ran = warpbo({"run"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  ran = warpbo({"best", "--top", "2"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.output.find("./job --x="), std::string::npos) << ran.output;
  ran = warpbo({"export"});
  EXPECT_EQ(ran.output.find("number,value,datetime_start,datetime_complete,duration,params_x,params_opt,"), 0U) << ran.output;
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 5);
  EXPECT_EQ(warpbo({"doctor"}).code, 0);
  test::write_file(folder_ + "/warpbo.toml", "[studdy]\n");
  ran = warpbo({"status"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.output.find("warpbo.toml:1:2: unknown key \"studdy\"; did you mean \"study\"?"), std::string::npos)
      << ran.output;
}

TEST_F(Run, AskTellEnqueueByHand) {
  test::write_file(
      folder_ + "/warpbo.toml",
      "[objective]\nmaximize = \"yield\"\n[params]\nx = \"0..1\"\nn = \"int:1..9\"\n[optimizer]\nkind = \"random\"\n");
  EXPECT_EQ(warpbo({"enqueue", "x=0.5", "n=3"}).code, 0);
  const Json asked = Json::parse(warpbo({"ask", "-n", "3", "--json"}).output);
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0]["parameters"]["n"], 3);
  EXPECT_EQ(warpbo({"tell", "0", "0.25"}).code, 0);
  EXPECT_EQ(warpbo({"tell", "0", "0.25"}).code, 0);  // C13: the same again is harmless
  const test::Ran other = warpbo({"tell", "0", "0.5"});
  EXPECT_EQ(other.code, 1);
  EXPECT_EQ(warpbo({"tell", "1", "--fail", "spilled"}).code, 0);
  EXPECT_EQ(warpbo({"tell", "2", "-1.5"}).code, 0);
  EXPECT_EQ(warpbo({"tell", "2", "1,5"}).code, 1);
  EXPECT_EQ(warpbo({"tell", "99", "1"}).code, 1);
  const Json now = status();
  EXPECT_EQ(now["complete"], 2);
  EXPECT_EQ(now["failed"], 1);
  EXPECT_EQ(now["best"]["value"], 0.25);
  EXPECT_EQ(trials()[1]["failure"], "spilled");
  const Json fixed = Json::parse(warpbo({"ask", "--json", "--fixed", "n=7"}).output);
  EXPECT_EQ(fixed[0]["parameters"]["n"], 7);
}

TEST_F(Run, DefaultsOfTheSweepFileAreTriedFirst) {
  script("echo loss=$WARPBO_PARAM_X");
  test::write_file(folder_ + "/warpbo.toml",
                   "[objective]\nminimize = \"loss\"\n[command]\nrun = [\"./job\"]\n[budget]\ntrials = 2\n[params]\n"
                   "x = { float = [0, 1], default = 0.125 }\nopt = { choice = [\"a\", \"b\"], default = \"b\" "
                   "}\n[optimizer]\nkind = \"random\"\n");
  EXPECT_EQ(warpbo({"run"}).code, 0);
  EXPECT_EQ(trials()[0]["parameters"], Json::parse("{\"x\": 0.125, \"opt\": \"b\"}"));
}

TEST_F(Run, L1_AMissingCommandTakesNoTrial) {
  const test::Ran ran = warpbo(sweep({}, {"no-such-command-of-warpbo", "{x}"}));
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.output.find("was not found in PATH"), std::string::npos) << ran.output;
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/runs"));
}

TEST_F(Run, L1_EqualSpawnErrorsStopTheRun) {
  test::Ran ran = warpbo(sweep({"--trials", "50", "-p", "tool=value:no-such-tool"}, {"{tool}"}));
  EXPECT_EQ(ran.code, 2) << ran.output;
  EXPECT_EQ(trials().size(), 3U);
  EXPECT_NE(ran.output.find("failed to start 3 times in a row"), std::string::npos) << ran.output;
  std::filesystem::remove_all(folder_ + "/runs");
  ran = warpbo(sweep({"--trials", "50"}, {"sh", "-c", "no-such-tool {x}"}));  // 127 from a shell that the user chose
  EXPECT_EQ(ran.code, 2) << ran.output;
  EXPECT_EQ(trials().size(), 3U);
}

TEST_F(Run, L2_L3_L4_N10_N11_FailuresAreRecordedWithTheirReasons) {
  script(
      "case $WARPBO_TRIAL in 0) echo loss=nan;; 1) echo loss=1,5;; 2) ;; 3) echo loss=1; exit 4;; 4) kill -KILL $$;;"
      " 5) echo loss=-inf;; 6) echo loss=inf;; 7) printf 'loss=\\033[2J';; *) echo loss=0.5;; esac");
  const test::Ran ran = warpbo(sweep({"--trials", "9"}));
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_EQ(ran.output.find('\x1b'), std::string::npos);
  const Json all = trials();
  ASSERT_EQ(all.size(), 9U);
  const char* reasons[] = {"the metric is NaN",
                           "does not end in a plain number",
                           "it printed nothing",
                           "exit status 4",
                           "SIGKILL",
                           "",
                           "",
                           "no \\\"loss=NUMBER\\\"",
                           ""};
  for (std::size_t i = 0; i < 9; ++i) {
    const std::string failure = all[i].value("failure", std::string());
    const std::string shown = Json(failure).dump();
    EXPECT_NE(shown.find(reasons[i]), std::string::npos) << i << " " << shown;
  }
  EXPECT_EQ(all[5]["state"], "failed");  // infinitely good: refused
  EXPECT_EQ(all[6]["value"], "inf");     // infinitely bad: kept
  EXPECT_EQ(status()["best"]["value"], 0.5);
}

TEST_F(Run, L3_AcceptNonzeroTakesTheMetric) {
  script("echo loss=1; exit 4");
  EXPECT_EQ(warpbo(sweep({"--trials", "1"})).code, 2);
  EXPECT_EQ(warpbo(sweep({"--trials", "2", "--accept-nonzero"})).code, 0);
}

TEST_F(Run, L4_RetriesRunTheSameTrialAgain) {
  script("n=$(cat tries 2>/dev/null || echo 0); echo $((n+1)) > tries; [ $n -ge 2 ] && echo loss=1");
  EXPECT_EQ(warpbo(sweep({"--trials", "1", "--retries", "2"})).code, 0);
  EXPECT_EQ(trials().size(), 1U);
  EXPECT_EQ(test::read_file(folder_ + "/tries"), "3\n");
}

TEST_F(Run, StopsAtTheTargetAtTooManyFailuresAndAfterTheTime) {
  script("echo loss=0.25");
  test::Ran ran = warpbo(sweep({"--trials", "50", "--target", "0.3"}));
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(trials().size(), 1U);
  std::filesystem::remove_all(folder_ + "/runs");
  script("exit 1");
  ran = warpbo(sweep({"--trials", "50", "--max-failed", "4"}));
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(trials().size(), 4U);
  std::filesystem::remove_all(folder_ + "/runs");
  script("sleep 0.2; echo loss=1");
  ran = warpbo(sweep({"--trials", "5000", "--time", "1s"}));
  EXPECT_EQ(ran.code, 0);
  EXPECT_LT(trials().size(), 10U);
}

TEST_F(Run, S9_AFiniteSpaceEndsTheRun) {
  script("echo loss=$WARPBO_PARAM_N");
  const test::Ran ran =
      warpbo({"run", "--minimize", "loss", "-p", "n=int:1..4", "--sampler", "grid", "--jobs", "3", "--", "./job"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_EQ(trials().size(), 4U);
  EXPECT_NE(ran.output.find("every point of the space has been proposed"), std::string::npos) << ran.output;
}

TEST_F(Run, L8_CtrlCOnceLetsTheTrialsFinish) {
  script("touch started; sleep 0.6; echo loss=$1");
  test::Command command(folder_, sweep({"--trials", "50", "--jobs", "2"}), {marker_});
  test::wait_until([&] { return std::filesystem::exists(folder_ + "/started"); });
  command.signal(SIGINT);
  EXPECT_EQ(command.wait(), 4) << command.output();
  const Json now = status();
  EXPECT_EQ(now["complete"], 2);
  EXPECT_EQ(now["trials"], 2);
  EXPECT_NE(command.output().find("draining"), std::string::npos) << command.output();
}

TEST_F(Run, L8_TwiceEndsTheGroupsAndTheTrialsComeBack) {
  script("trap '' TERM; echo $WARPBO_TRIAL >> started; setsid sleep 100 & [ -e fast ] || sleep 100; echo loss=$1");
  test::write_file(folder_ + "/warpbo.toml",
                   "[objective]\nminimize = \"loss\"\n[command]\nrun = [\"./job\", \"{x}\"]\ngrace = 0.3\n"
                   "[budget]\ntrials = 3\njobs = 2\n[params]\nx = \"0..1\"\n[optimizer]\nkind = \"random\"\n");
  test::Command command(folder_, {"run"}, {marker_});
  test::wait_until([&] { return test::read_file(folder_ + "/started").size() == 4; });
  command.signal(SIGTERM);
  command.expect("draining");
  command.signal(SIGINT);
  EXPECT_EQ(command.wait(), 4) << command.output();
  EXPECT_EQ(status()["waiting"], 2);
  test::wait_until([&] { return test::processes_with(marker_) == 0; });
  const Json before = trials();
  test::write_file(folder_ + "/fast", "");
  EXPECT_EQ(warpbo({"run"}).code, 0);
  const Json after = trials();
  ASSERT_EQ(after.size(), 3U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(after[i]["parameters"], before[i]["parameters"]);
  EXPECT_EQ(status()["complete"], 3);
}

TEST_F(Run, L8_AfterSigkillTheChildrenAreGoneAndTheRunContinues) {
  script("trap '' TERM; echo $WARPBO_TRIAL >> started; setsid sleep 100 & [ -e fast ] || sleep 100; echo loss=$1");
  {
    test::Command command(folder_, sweep({"--trials", "3", "--jobs", "2"}), {marker_});
    test::wait_until([&] { return test::read_file(folder_ + "/started").size() == 4; });
    command.signal(SIGKILL);
    EXPECT_EQ(command.wait(), -SIGKILL);
  }
  test::wait_until([&] { return test::processes_with(marker_) == 0; });
  EXPECT_EQ(status()["running"], 2);
  EXPECT_NE(warpbo({"status"}).output.find("its run died"), std::string::npos);
  test::write_file(folder_ + "/fast", "");
  const test::Ran ran = warpbo(sweep({"--trials", "3", "--jobs", "2"}));
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_NE(ran.output.find("2 trial(s) of a run that died go back to the queue"), std::string::npos) << ran.output;
  EXPECT_EQ(status()["complete"], 3);
  EXPECT_EQ(trials().size(), 3U);
}

TEST_F(Run, L11_TwoRunsShareOneStudyAndItsBudget) {
  script("echo $WARPBO_TRIAL >> done.$PPID; sleep 0.05; echo loss=$1");
  test::Command first(folder_, sweep({"--trials", "16", "--jobs", "2"}), {marker_});
  test::Command second(folder_, sweep({"--trials", "16", "--jobs", "2"}), {marker_});
  EXPECT_EQ(first.wait(), 0) << first.output();
  EXPECT_EQ(second.wait(), 0) << second.output();
  std::multiset<std::string> ran;
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    if (entry.path().filename().string().starts_with("done.")) {
      std::istringstream lines(test::read_file(entry.path()));
      for (std::string line; std::getline(lines, line);) ran.insert(line);
    }
  EXPECT_EQ(ran.size(), 16U);
  EXPECT_EQ(std::set<std::string>(ran.begin(), ran.end()).size(), 16U);  // each trial once
  EXPECT_EQ(status()["complete"], 16);
}

TEST_F(Run, StatusBestAndExportWorkWhileItRuns) {
  script("[ $WARPBO_TRIAL -lt 2 ] || sleep 100; echo loss=$1");
  test::Command command(folder_, sweep({"--trials", "3"}), {marker_});
  test::wait_until([&] { return std::filesystem::exists(folder_ + "/runs/study/trials/000002/stdout"); });
  EXPECT_EQ(status()["complete"], 2);
  EXPECT_EQ(status()["running"], 1);
  EXPECT_EQ(warpbo({"best"}).code, 0);
  EXPECT_EQ(trials().size(), 3U);
  command.signal(SIGINT);
  command.expect("draining");
  command.signal(SIGINT);
  EXPECT_EQ(command.wait(), 4);
}

TEST_F(Run, C5_StatusAndExportOnAReadOnlyFile) {
  script("echo loss=$1");
  EXPECT_EQ(warpbo(sweep({"--trials", "2"})).code, 0);
  const std::string store = folder_ + "/runs/study/study.db";
  const std::string before = test::read_file(store);
  std::filesystem::permissions(store, std::filesystem::perms::owner_read);
  std::filesystem::permissions(folder_ + "/runs/study",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_EQ(status()["complete"], 2);
  EXPECT_EQ(trials().size(), 2U);
  EXPECT_EQ(test::read_file(store), before);
  std::filesystem::permissions(folder_ + "/runs/study", std::filesystem::perms::owner_all);
}

TEST_F(Run, L13_SecretsAreNotStored) {
  script("[ \"$TOKEN\" = s3cr3t-0123 ] && echo loss=$1");
  test::write_file(
      folder_ + "/warpbo.toml",
      "[objective]\nminimize = \"loss\"\n[command]\nrun = [\"./job\", \"{x}\"]\nenv = { TOKEN = \"s3cr3t-0123\" }\n"
      "[budget]\ntrials = 2\n[params]\nx = \"0..1\"\n[optimizer]\nkind = \"random\"\n");
  EXPECT_EQ(warpbo({"run"}).code, 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ + "/runs")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(test::read_file(entry.path()).find("s3cr3t"), std::string::npos) << entry.path();
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms::others_all, std::filesystem::perms::none) << entry.path();
  }
}

TEST_F(Run, UsageErrorsHaveTheirCode) {
  for (const Words& words :
       {Words{}, Words{"frobnicate"}, Words{"run", "--jobs", "0"}, Words{"run"}, Words{"tell", "x", "y"},
        Words{"run", "--trials", "many"}, Words{"status"}, Words{"run", "--minimize", "loss", "-p", "x=1..0", "--", "true"},
        Words{"run", "--minimize", "loss", "-p", "x=0..1", "--", "true", "{y}"},
        Words{"run", "--minimize", "loss", "-p", "x=0..1", "--metric-file", "out.json", "--", "true"},
        Words{"run", "--minimize", "loss", "--metric-regex", "(a", "-p", "x=0..1", "--", "true"}})
    EXPECT_EQ(warpbo(words).code, 1) << (words.empty() ? "" : words[0]);
  EXPECT_EQ(warpbo({"--version"}).code, 0);
  EXPECT_NE(warpbo({"run", "--help"}).output.find("Exit codes: 0 done"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/runs"));
}

TEST_F(Run, C8_AForeignStoreIsAStoreError) {
  script("echo loss=$1");
  test::write_file(folder_ + "/picture.db", "\x89PNG\r\n\x1a\n not a database at all, but long enough to look like something");
  const test::Ran ran = warpbo(sweep({"--store", "sqlite:picture.db"}));
  EXPECT_EQ(ran.code, 3) << ran.output;
}

}  // namespace
}  // namespace warpbo::cli
