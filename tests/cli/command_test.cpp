#include "cli/command.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <warpbo/error.hpp>

#include <cstdlib>
#include <fstream>
#include <map>

namespace warpbo::cli {
namespace {

using Words = std::vector<std::string>;

Space space_of_three() {
  Space space;
  space.real("lr", 0, 1);
  space.categorical("opt", {"sgd", "adam"});
  space.real("momentum", 0, 1).when("opt == 'sgd'");
  return space;
}

const TrialPlace kPlace{17, "/r/trials/000017", "/r/trials/000017/result", "/r/trials/000017/params.json"};

std::string error_of(Words words) {
  try {
    const CommandTemplate command(std::move(words), space_of_three());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Command, FillsPlaceholders) {
  const CommandTemplate command({"python3", "t.py", "--lr={lr}", "--id={trial}", "--out={trial_dir}/m", "{{\"a\": {lr}}}"},
                                space_of_three());
  const Parameters parameters{{"lr", 0.1}, {"opt", std::string("adam")}};
  EXPECT_EQ(command.expand(parameters, kPlace),
            (Words{"python3", "t.py", "--lr=0.1", "--id=17", "--out=/r/trials/000017/m", "{\"a\": 0.1}"}));
}

TEST(Command, MacrosExpandToWholeArguments) {
  const Parameters parameters{{"lr", 0.1}, {"opt", std::string("sgd")}, {"momentum", 0.5}};
  const auto expand = [&](Words words) {
    return CommandTemplate(std::move(words), space_of_three()).expand(parameters, kPlace);
  };
  EXPECT_EQ(expand({"c", "${args}"}), (Words{"c", "--lr=0.1", "--opt=sgd", "--momentum=0.5"}));
  EXPECT_EQ(expand({"c", "--lr={lr}", "${args}"}), (Words{"c", "--lr=0.1", "--opt=sgd", "--momentum=0.5"}));
  EXPECT_EQ(expand({"c", "${args_no_equals}"}), (Words{"c", "--lr", "0.1", "--opt", "sgd", "--momentum", "0.5"}));
  EXPECT_EQ(expand({"c", "${args_no_hyphens}"}), (Words{"c", "lr=0.1", "opt=sgd", "momentum=0.5"}));
  EXPECT_EQ(expand({"c", "${args_json}"}), (Words{"c", "{\"lr\":0.1,\"opt\":\"sgd\",\"momentum\":0.5}"}));
  EXPECT_EQ(expand({"c", "${args_json_file}"}), (Words{"c", "/r/trials/000017/params.json"}));
}

TEST(Command, AbsentParametersLeaveTheirArgumentOut) {
  const CommandTemplate command({"c", "--lr={lr}", "--momentum={momentum}"}, space_of_three());
  EXPECT_EQ(command.expand({{"lr", 0.1}, {"opt", std::string("adam")}}, kPlace), (Words{"c", "--lr=0.1"}));
  EXPECT_NE(error_of({"c", "--momentum", "{momentum}"}).find("--momentum={momentum}"), std::string::npos);
  EXPECT_EQ(error_of({"c", "--lr", "{lr}"}), "");
}

TEST(Command, L10_ValuesArePassedVerbatimAsOneArgument) {
  Space space;
  const Words hostile = {"",     "-rf",     "a b",  "$(touch x)", "`id`",   "a'b\"c", "*",
                         "{lr}", "${args}", "a\nb", "\xff\xfe",   "=cmd()", "{{"};
  space.categorical("s", {"any", "other"});  // what a value looks like is none of the template's business
  const CommandTemplate command({"c", "--s={s}", "{s}", "${args_no_hyphens}"}, space);
  for (const std::string& word : hostile) {
    const Words out = command.expand({{"s", word}}, kPlace);
    ASSERT_GE(out.size(), 3U);
    EXPECT_EQ(out[1], "--s=" + word);
    EXPECT_EQ(out[2], word);
  }
}

TEST(Command, ErrorsNameTheArgumentAndTheFix) {
  EXPECT_NE(error_of({"c", "{lrr}"}).find("did you mean \"lr\""), std::string::npos);
  EXPECT_NE(error_of({"c", "{lr"}).find("not closed"), std::string::npos);
  EXPECT_NE(error_of({"c", "lr}"}).find("has no {"), std::string::npos);
  EXPECT_NE(error_of({"c", "${HOME}"}).find("no shell expands"), std::string::npos);
  EXPECT_NE(error_of({"c", "${arg}"}).find("${args}"), std::string::npos);
  EXPECT_NE(error_of({}).find("there is no command"), std::string::npos);
}

TEST(Command, EnvironmentOfATrial) {
  const Parameters parameters{{"lr", 0.1}, {"weight-decay", std::int64_t{3}}, {"big", std::string(100 << 10, 'x')}};
  std::map<std::string, std::string> env;
  for (const auto& [name, value] : trial_environment("st", parameters, kPlace)) env[name] = value;
  EXPECT_EQ(env["WARPBO_TRIAL"], "17");
  EXPECT_EQ(env["WARPBO_STUDY"], "st");
  EXPECT_EQ(env["WARPBO_PARAM_LR"], "0.1");
  EXPECT_EQ(env["WARPBO_PARAM_WEIGHT_DECAY"], "3");
  EXPECT_EQ(env["WARPBO_RESULT_FILE"], kPlace.result_file);
  EXPECT_FALSE(env.contains("WARPBO_PARAM_BIG"));  // it would make every command fail with E2BIG
  EXPECT_FALSE(env.contains("WARPBO_PARAMS_JSON"));
  EXPECT_EQ(params_json({{"a", std::int64_t{9007199254740993}}, {"b", true}, {"c", 0.1}}),
            "{\"a\":9007199254740993,\"b\":true,\"c\":0.1}");
}

TEST(Command, L1_ProgramsAreCheckedBeforeTheFirstTrial) {
  char folder[] = "/tmp/warpbo-command-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string dir = folder;
  const auto script = [&](const std::string& name, const std::string& text, mode_t mode) {
    std::ofstream(dir + "/" + name) << text;
    chmod((dir + "/" + name).c_str(), mode);
  };
  script("good", "#!/bin/sh\n", 0755);
  script("plain", "#!/bin/sh\n", 0644);
  script("lost", "#!/no/such/interpreter -x\n", 0755);
  script("bare", "echo hello\n", 0755);
  EXPECT_EQ(find_program("good", dir, "/").problem, "");
  EXPECT_EQ(find_program("good", dir, "/").file, dir + "/good");
  EXPECT_EQ(find_program("./good", "", dir).problem, "");
  EXPECT_NE(find_program("missing", dir, "/").problem.find("was not found in PATH"), std::string::npos);
  EXPECT_NE(find_program("plain", dir, "/").problem.find("not executable"), std::string::npos);
  EXPECT_NE(find_program("./plain", "", dir).problem.find("chmod +x"), std::string::npos);
  EXPECT_NE(find_program("lost", dir, "/").problem.find("/no/such/interpreter"), std::string::npos);
  EXPECT_NE(find_program("bare", dir, "/").problem.find("without a #! line"), std::string::npos);
  EXPECT_NE(find_program(dir, "", "/").problem.find("not a file"), std::string::npos);
  EXPECT_NE(find_program("", dir, "/").problem.find("empty"), std::string::npos);
  EXPECT_EQ(find_program("sh", "/usr/bin:/bin", "/").problem, "");
  std::system(("rm -r " + dir).c_str());
}

}  // namespace
}  // namespace warpbo::cli
