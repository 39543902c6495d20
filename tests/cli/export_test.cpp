#include "cli/export.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "cli/display.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {
namespace {

Trial trial_of(std::int64_t number, Parameters parameters, std::optional<double> value) {
  Trial trial;
  trial.number = number;
  trial.state = value ? TrialState::complete : TrialState::failed;
  trial.parameters = std::move(parameters);
  trial.value = value;
  trial.started = Trial::Time(std::chrono::seconds(1700000000));
  trial.finished = Trial::Time(std::chrono::milliseconds(1700000012500));
  return trial;
}

TEST(Export, CsvHasOptunasColumns) {
  Space space;
  space.real("lr", 0, 1);
  space.categorical("opt", {"sgd", "adam"});
  Trial good = trial_of(0, {{"lr", 0.1}, {"opt", std::string("sgd")}}, 0.5);
  good.attributes = {{"warpbo:origin", "\"sobol\""}, {"warpbo:owner", "{}"}};
  Trial bad = trial_of(1, {{"lr", 0.2}}, std::nullopt);
  bad.failure = "exit status 1, \"boom\"";
  EXPECT_EQ(to_csv(std::vector{good, bad}, space, false),
            "number,value,datetime_start,datetime_complete,duration,params_lr,params_opt,user_attrs_warpbo:origin,system_attrs_"
            "fail_reason,state\n"
            "0,0.5,2023-11-14 22:13:20.000000,2023-11-14 22:13:32.500000,0 days 00:00:12.500000,0.1,sgd,sobol,,COMPLETE\n"
            "1,,2023-11-14 22:13:20.000000,2023-11-14 22:13:32.500000,0 days 00:00:12.500000,0.2,,,\"exit status 1, "
            "\"\"boom\"\"\",FAIL\n");
}

TEST(Export, W9_CellsAreInertInSpreadsheets) {
  EXPECT_EQ(csv_cell("=cmd()", false), "'=cmd()");
  EXPECT_EQ(csv_cell("+1+1", false), "'+1+1");
  EXPECT_EQ(csv_cell("@x", false), "'@x");
  EXPECT_EQ(csv_cell("-x", false), "'-x");
  EXPECT_EQ(csv_cell("\tx", false), "'\tx");
  EXPECT_EQ(csv_cell("-1.5", false), "-1.5");
  EXPECT_EQ(csv_cell("=cmd()", true), "=cmd()");
  EXPECT_EQ(csv_cell("a,b", false), "\"a,b\"");
  EXPECT_EQ(csv_cell("a\"b\nc", false), "\"a\"\"b\nc\"");
}

TEST(Export, S7_JsonKeepsIntegersAndNamesInfinities) {
  Trial trial = trial_of(3, {{"n", std::int64_t{9007199254740991}}, {"b", true}, {"s", std::string("\"x\n\xff")}},
                         std::numeric_limits<double>::infinity());
  const std::string line = to_json_line(trial);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find("\"value\":\"inf\""), std::string::npos) << line;
  EXPECT_NE(line.find("\"n\":9007199254740991"), std::string::npos) << line;
  EXPECT_NE(line.find("\"b\":true"), std::string::npos);
  EXPECT_EQ(to_json_array({}), "[]");
}

RunView view_of(int running) {
  RunView view;
  view.study = "digits";
  view.metric = "loss";
  view.budget = 64;
  view.complete = 30;
  view.failed = 2;
  view.running = running;
  view.finished_here = 32;
  view.elapsed = 64;
  view.best = trial_of(12, {{"lr", 0.001234567}, {"opt", std::string("ad\x1b[2Jam")}}, 0.07312);
  view.trace = {3, 2, 1};
  view.model.kind = "gp";
  view.model.observations = 30;
  for (int i = 0; i < running; ++i) view.here.push_back({40 + i, 1, 12.0 * i, "lr=0.1"});
  view.last_failure = "trial 3: exit status 1";
  return view;
}

TEST(Display, BlockShowsProgressBestModelRunningAndFailures) {
  const auto lines = render(view_of(2), 100, 24, {true, false});
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_NE(lines[0].find("32/64 done  2 running  2 failed  0:01:04  ETA 0:01:04"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("best loss=0.07312  trial 12  █▅▁"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find("lr=0.0012346 opt=ad\\x1b[2Jam"), std::string::npos) << lines[2];
  EXPECT_NE(lines[3].find("model gp  n=30"), std::string::npos);
  EXPECT_NE(lines[5].find("#41  0:00:12"), std::string::npos);
  EXPECT_NE(lines[6].find("last failure: trial 3"), std::string::npos);
}

TEST(Display, L12_FitsAnyTerminalAndHoldsNoEscapes) {
  for (const std::size_t columns : {1U, 10U, 40U, 200U})
    for (const std::size_t rows : {2U, 5U, 10U, 50U}) {
      const auto lines = render(view_of(20), columns, rows, {true, false});
      EXPECT_LE(lines.size(), rows - 1);
      for (const std::string& line : lines) {
        EXPECT_LE(display_width(line), columns);
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
      }
    }
  const auto plain = render(view_of(20), 80, 12, {false, false});
  for (const std::string& line : plain)
    for (const char c : line) EXPECT_GE(c, ' ');  // ASCII only
}

}  // namespace
}  // namespace warpbo::cli
