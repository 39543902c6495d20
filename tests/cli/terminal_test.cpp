// What a person at a terminal sees, on a pseudo-terminal.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "cli/cli_support.hpp"

namespace warpbo::cli {
namespace {

using Words = std::vector<std::string>;

class Terminal : public ::testing::Test {
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
  Words environment(const std::string& term, Words more = {}) const {
    more.insert(more.begin(), {marker_, "TERM=" + term, "LC_ALL=C.UTF-8"});
    return more;
  }
  static Words sweep(const std::string& trials) {
    return {"run", "--minimize", "loss", "-p", "x=0..1", "--sampler", "random", "--trials", trials, "--", "./job", "{x}"};
  }
  std::string folder_, marker_;
};

TEST_F(Terminal, TheBlockIsDrawnInPlaceAndTheCursorComesBack) {
  script("sleep 0.3; echo loss=$1");
  test::Command command(folder_, sweep("3"), environment("xterm"), true);
  EXPECT_EQ(command.wait(), 0) << command.output();
  const std::string& out = command.output();
  EXPECT_NE(out.find("\x1b[?25l"), std::string::npos);
  EXPECT_NE(out.find("/3 done"), std::string::npos) << out;
  EXPECT_NE(out.find("best loss="), std::string::npos);
  EXPECT_NE(out.find("#0  0:00:00"), std::string::npos);
  EXPECT_NE(out.find("\x1b[1m"), std::string::npos);
  EXPECT_GT(out.rfind("\x1b[?25h"), out.rfind("\x1b[?25l"));
  EXPECT_GT(out.rfind("\x1b[?7h"), out.rfind("\x1b[?7l"));
  EXPECT_NE(out.substr(out.rfind("\x1b[?25h")).find("3 trials finished"), std::string::npos);
}

TEST_F(Terminal, NoColorAndDumbTerminalsAreRespected) {
  script("echo loss=$1");
  test::Command plain(folder_, sweep("2"), environment("xterm", {"NO_COLOR=1"}), true);
  EXPECT_EQ(plain.wait(), 0);
  EXPECT_EQ(plain.output().find("\x1b[1m"), std::string::npos);
  EXPECT_EQ(plain.output().find("\x1b[32m"), std::string::npos);
  test::Command dumb(folder_, sweep("4"), environment("dumb"), true);
  EXPECT_EQ(dumb.wait(), 0);
  EXPECT_EQ(dumb.output().find('\x1b'), std::string::npos) << dumb.output();
  EXPECT_NE(dumb.output().find("trial 3  loss="), std::string::npos) << dumb.output();
}

TEST_F(Terminal, L12_AChildCannotPaintTheScreen) {
  script("printf 'best loss=0 trial 99\\n\\033[2J\\033]0;owned\\007 oops\\n'; printf '\\033[31mwarpbo: done\\n' >&2; exit 1");
  test::Command command(folder_, sweep("2"), environment("xterm"), true);
  EXPECT_EQ(command.wait(), 2);
  EXPECT_EQ(command.output().find("\x1b[2J"), std::string::npos);
  EXPECT_EQ(command.output().find("\x1b]0;"), std::string::npos);
  EXPECT_EQ(command.output().find("\x1b[31m"), std::string::npos);
  EXPECT_NE(command.output().find("last failure: trial"), std::string::npos) << command.output();
}

TEST_F(Terminal, L8_CtrlCTypedOnceDrainsAndTwiceEnds) {
  script("touch started.$WARPBO_TRIAL; sleep 100; echo loss=$1");
  test::Command command(folder_, sweep("3"), environment("xterm"), true);
  test::wait_until([&] {
    command.output();
    return std::filesystem::exists(folder_ + "/started.0");
  });
  command.type("\x03");
  command.expect("draining");
  command.type("\x03");
  EXPECT_EQ(command.wait(), 4) << command.output();
  EXPECT_GT(command.output().rfind("\x1b[?25h"), command.output().rfind("\x1b[?25l"));
}

TEST_F(Terminal, L8_AClosedTerminalDrains) {
  script("touch started.$WARPBO_TRIAL; sleep 0.7; echo loss=$1");
  test::Command command(folder_, sweep("50"), environment("xterm"), true);
  test::wait_until([&] {
    command.output();
    return std::filesystem::exists(folder_ + "/started.0");
  });
  command.hang_up();
  EXPECT_EQ(command.wait(), 4);
  const test::Ran status = test::warpbo(folder_, {"status", "--json"});
  EXPECT_NE(status.output.find("\"complete\": 1"), std::string::npos) << status.output;
  EXPECT_NE(status.output.find("\"running\": 0"), std::string::npos) << status.output;
}

TEST_F(Terminal, CtrlZGivesTheTerminalBack) {
  script("touch started.$WARPBO_TRIAL; sleep 0.5; echo loss=$1");
  test::Command command(folder_, sweep("2"), environment("xterm"), true);
  test::wait_until([&] {
    command.output();
    return std::filesystem::exists(folder_ + "/started.0");
  });
  command.signal(SIGTSTP);
  test::wait_until([&] {
    command.output();
    return test::read_file("/proc/" + std::to_string(command.pid()) + "/stat").find(") T ") != std::string::npos;
  });
  EXPECT_GT(command.output().rfind("\x1b[?25h"), command.output().rfind("\x1b[?25l"));
  command.signal(SIGCONT);
  EXPECT_EQ(command.wait(), 0) << command.output();
}

}  // namespace
}  // namespace warpbo::cli
