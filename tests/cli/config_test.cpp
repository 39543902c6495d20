#include "cli/config.hpp"

#include <gtest/gtest.h>
#include <warpbo/error.hpp>

#include "cli/param_spec.hpp"

#include <regex>
#include <string>

namespace warpbo::cli {
namespace {

std::string error_of(const std::string& toml) {
  try {
    (void)parse_config(toml, "warpbo.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

constexpr const char* kFull = R"toml(
[study]
name = "digits-cnn"
store = "sqlite:runs/digits.db"
[objective]
maximize = "accuracy"
[command]
run = ["python3", "train.py", "--lr={lr}", "${args}"]
metric = { regex = "acc is ([0-9.]+)" }
timeout = "10m"
grace = 2
retries = 1
retry_on = "killed"
accept_nonzero = true
env = { OMP_NUM_THREADS = "1" }
log_limit = 1000
[budget]
trials = 200
jobs = 4
time = "2h"
target = 0.98
max_failed = 20
[params]
width  = { int = [16, 256], step = 16 }
lr     = { float = [1e-5, 1e-1], log = true, default = 1e-3 }
opt    = { choice = ["sgd", "adam"] }
momentum = { float = [0.0, 0.99], when = "opt == 'sgd'" }
size   = { ordinal = [1, 2, 4] }
flag   = { bool = true }
seed   = 7
depth  = "int:1..8"
act    = ["relu", "tanh"]
[space]
constraints = ["0.001 * width + lr <= 0.3"]
[optimizer]
kind = "sobol"
seed = 3
device = "cpu"
noise = "noisy"
acquisition = "ucb"
max_seconds_per_ask = 2.5
trust_regions = 3
)toml";

TEST(Config, ReadsEverything) {
  const Config config = parse_config(kFull, "warpbo.toml");
  EXPECT_EQ(config.name, "digits-cnn");
  EXPECT_EQ(config.store_url(), "sqlite:runs/digits.db");
  EXPECT_EQ(config.objective, "accuracy");
  EXPECT_EQ(config.direction, Direction::maximize);
  EXPECT_EQ(config.command.run.size(), 4U);
  EXPECT_EQ(config.command.metric.source, MetricRule::Source::regex);
  EXPECT_EQ(config.command.timeout, 600);
  EXPECT_EQ(config.command.grace, 2);
  EXPECT_EQ(config.command.retries, 1);
  EXPECT_TRUE(config.command.retry_killed_only);
  EXPECT_TRUE(config.command.accept_nonzero);
  EXPECT_EQ(config.command.log_limit, 1000);
  ASSERT_EQ(config.command.env.size(), 1U);
  EXPECT_EQ(config.command.env[0].second, "1");
  EXPECT_EQ(config.budget.trials, 200);
  EXPECT_EQ(config.budget.jobs, 4);
  EXPECT_EQ(config.budget.time, 7200);
  EXPECT_EQ(config.budget.target, 0.98);
  EXPECT_EQ(config.budget.max_failed, 20);
  EXPECT_EQ(config.sampler.kind, SamplerKind::sobol);
  EXPECT_EQ(config.sampler.seed, 3U);
  EXPECT_EQ(config.sampler.device, Device::cpu());
  EXPECT_EQ(config.sampler.noise, Noise::noisy);
  EXPECT_EQ(config.sampler.acquisition, AcquisitionFunction::confidence_bound);
  EXPECT_EQ(config.sampler.max_seconds_per_ask, 2.5);
  EXPECT_EQ(config.sampler.trust_regions, 3);
  const Space space = config.space();
  EXPECT_EQ(space.parameters().size(), 9U);
  EXPECT_EQ(space.constraints().size(), 1U);
}

TEST(Config, ParametersKeepTheOrderOfTheFile) {
  const Config config = parse_config(kFull, "warpbo.toml");
  std::vector<std::string> names;
  for (const ParamDeclaration& param : config.params) names.push_back(param.spec.name);
  EXPECT_EQ(names, (std::vector<std::string>{"width", "lr", "opt", "momentum", "size", "flag", "seed", "depth", "act"}));
  EXPECT_EQ(config.params[1].first, Value(1e-3));
  EXPECT_EQ(config.params[3].spec.condition, "opt == 'sgd'");
  EXPECT_EQ(config.params[6].spec.kind, ParameterKind::constant);
}

TEST(Config, ErrorsCarryLineAndColumn) {
  EXPECT_EQ(error_of("[study]\nname = \"a\"\nnam = 1\n")
                .find("warpbo.toml:3:1: unknown key \"nam\" in [study]; did you mean \"name\"?"),
            0U);
  EXPECT_EQ(error_of("[budget]\n  trails = 5\n").find("warpbo.toml:2:3: unknown key \"trails\""), 0U);
  EXPECT_EQ(error_of("[studdy]\n").find("warpbo.toml:1:2: unknown key \"studdy\"; did you mean \"study\"?"), 0U);
  EXPECT_EQ(error_of("a = [1,\n").find("warpbo.toml:1:9: "), 0U);
  EXPECT_EQ(error_of("[budget]\ntrials = 0\n").find("warpbo.toml:2:10: trials in [budget] must be an integer from 1"), 0U);
  EXPECT_EQ(error_of("[budget]\njobs = \"4\"\n").find("warpbo.toml:2:8: jobs"), 0U);
  EXPECT_EQ(error_of("[command]\ntimeout = \"soon\"\n").find("warpbo.toml:2:11: timeout"), 0U);
  EXPECT_EQ(error_of("[command]\nrun = \"python3 train.py\"\n").find("warpbo.toml:2:7: run in [command] must be a list"), 0U);
  EXPECT_EQ(error_of("[command]\nmetric = { regex = \"a(\" }\n").find("warpbo.toml:2:20: the regular expression"), 0U);
  EXPECT_EQ(error_of("[command]\nmetric = { regex = \"abc\" }\n").find("warpbo.toml:2:20: "), 0U);
  EXPECT_NE(error_of("[objective]\nminimize = \"a\"\nmaximize = \"b\"\n").find("exactly one"), std::string::npos);
  EXPECT_EQ(error_of("[optimizer]\nkind = \"gpp\"\n").find("warpbo.toml:2:8: "), 0U);
  EXPECT_EQ(error_of("[optimizer]\nucb_coefficient = -1\n").find("warpbo.toml:2:19: ucb_coefficient in"), 0U);
  EXPECT_EQ(error_of("[params]\nlr = { flaot = [0, 1] }\n").find("warpbo.toml:2:8: unknown key \"flaot\""), 0U);
  EXPECT_EQ(error_of("[params]\nlr = \"log:a..b\"\n").find("warpbo.toml:2:6: parameter \"lr\""), 0U);
  EXPECT_EQ(error_of("[params]\nlr = { float = [1, 0] }\n").find("warpbo.toml:2:1: "), 0U);
  EXPECT_EQ(error_of("[params]\nlr = { int = [1, 2.5] }\n").find("warpbo.toml:2:18: an int parameter"), 0U);
  EXPECT_EQ(error_of("[params]\na = { choice = [\"x\"], log = true }\n").find("warpbo.toml:2:29: log fits only"), 0U);
}

TEST(Config, WhatInitWritesReadsBack) {
  Config config;
  config.name = "a \"quoted\" name";
  config.objective = "loss";
  config.command.run = {"python3", "train.py", "--note=it's \"so\"", "${args}"};
  config.params = {{parse_param("lr=log:1e-5..1e-1"), std::nullopt},
                   {parse_param("opt=sgd,adam"), std::nullopt},
                   {parse_param("momentum=0..0.99 when opt == 'sgd'"), std::nullopt}};
  config.budget.trials = 7;
  config.budget.jobs = 2;
  const Config read = parse_config(write_config(config), "t");
  EXPECT_EQ(read.name, config.name);
  EXPECT_EQ(read.command.run, config.command.run);
  EXPECT_EQ(read.objective, "loss");
  EXPECT_EQ(read.budget.trials, 7);
  EXPECT_EQ(read.budget.jobs, 2);
  EXPECT_EQ(read.space(), config.space());
}

// Every setting that is shown as a comment can be used as it stands there.
TEST(Config, WhatInitShowsAsCommentsIsValid) {
  Config config;
  config.name = "s";
  config.objective = "loss";
  config.command.run = {"train"};
  config.params = {{parse_param("x=0..1"), std::nullopt}};
  const std::string shown = std::regex_replace(write_config(config), std::regex("(^|\n)# ([a-z_]+ = )"), "$1$2");
  const Config read = parse_config(shown, "t");
  EXPECT_EQ(read.command.retries, 1);
  EXPECT_EQ(read.budget.max_failed, 20);
  EXPECT_EQ(read.sampler.noise, Noise::noisy);
  EXPECT_EQ(read.sampler.initial_trials, 20);
  EXPECT_EQ(read.sampler.max_seconds_per_ask, 10);
  EXPECT_EQ(read.sampler.acquisition, AcquisitionFunction::confidence_bound);
  EXPECT_EQ(read.sampler.trust_regions, 4);
  EXPECT_EQ(shown.find("\n# "), std::string::npos);
}

TEST(Config, PathsStartAtTheSweepFile) {
  Config config;
  config.name = "s";
  config.directory = "sweeps/a";
  EXPECT_EQ(config.store_url(), "sqlite:sweeps/a/runs/s/study.db");
  config.store = "sqlite:x.db";
  EXPECT_EQ(config.store_url(), "sqlite:sweeps/a/x.db");
  config.store = "/tmp/x.db";
  EXPECT_EQ(config.store_url(), "sqlite:/tmp/x.db");
}

TEST(Config, MissingFileSaysHowToMakeOne) {
  try {
    (void)load_config("/nonexistent/warpbo.toml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_NE(std::string(error.what()).find("warpbo init"), std::string::npos);
  }
}

}  // namespace
}  // namespace warpbo::cli
