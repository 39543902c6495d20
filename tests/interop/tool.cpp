// warpbo's side of the conversation with Optuna. Prints one JSON object per trial.
//
//   interop_tool write FILE            creates the study "from-warpbo" with every kind of parameter and of trial
//   interop_tool read FILE STUDY       prints the trials as warpbo reads them
//   interop_tool space FILE STUDY      prints the space that is inferred from the trials
//   interop_tool continue FILE STUDY N asks and tells N trials through Study
//   interop_tool hold FILE STUDY       keeps the study open and goes on working until its input ends
#include <warpbo/warpbo.hpp>

#include <nlohmann/json.hpp>

#include <poll.h>

#include <cmath>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace warpbo;

nlohmann::ordered_json json_of(const Trial& trial) {
  nlohmann::ordered_json json = {{"number", trial.number}, {"state", to_string(trial.state)}, {"failure", trial.failure}};
  if (trial.value)
    json["value"] = std::isinf(*trial.value) ? nlohmann::json(*trial.value > 0 ? "inf" : "-inf") : nlohmann::json(*trial.value);
  json["parameters"] = nlohmann::ordered_json::object();
  for (const auto& [name, value] : trial.parameters)
    std::visit([&, &key = name](const auto& typed) { json["parameters"][key] = typed; }, value);
  json["attributes"] = trial.attributes;
  return json;
}

void print(const std::vector<Trial>& trials) {
  for (const Trial& trial : trials) std::cout << json_of(trial).dump() << "\n";
  std::cout.flush();
}

Space every_kind() {
  Space space;
  space.real("lr", 1e-5, 1e-1).log();
  space.real("drop", 0.0, 0.9).step(0.3);
  space.integer("width", 16, 256).step(16);
  space.integer("depth", 1, 100).log();
  space.categorical("opt", {"sgd", "adam"});
  space.categorical("mixed",
                    std::vector<Value>{Value(std::int64_t{1}), Value(1.5), Value(false), Value(std::string("\xC3\xA9\"\\\n"))});
  space.ordinal("size", {"s", "m", "l"});
  space.boolean("bias");
  space.constant("seed", Value(std::int64_t{7}));
  space.constant("note", Value(std::string("fixed")));
  space.real("momentum", 0.0, 0.99).when("opt == 'sgd'");
  return space;
}

/// The objective that both sides optimize, of the parameters that every study here has.
double objective(const Trial& trial) {
  const double lr = trial.get<double>("lr");
  return -std::pow(std::log10(lr) + 3, 2) + 0.01 * static_cast<double>(trial.number % 3);
}

void write(const std::string& file) {
  SamplerOptions sampler;
  sampler.kind = SamplerKind::random;
  sampler.seed = 5;
  Study study = Study::create("from-warpbo", every_kind(),
                              {.direction = Direction::maximize, .sampler = sampler, .custom_sampler = {}, .on_notice = {}},
                              "sqlite:" + file);
  for (int i = 0; i < 12; ++i) {
    const Trial trial = study.ask();
    study.tell(trial, objective(trial));
  }
  study.fail(study.ask(), "exit status 1: \"CUDA\xC2\xA0out of memory\"\n");
  study.tell(study.ask(), -std::numeric_limits<double>::infinity());
  const Trial running = study.ask();
  study.set_attribute(running.number, "host", "\"node-1\"");
  study.enqueue({{"lr", 0.001}, {"opt", std::string("adam")}});
  study.enqueue({{"lr", 0.002}, {"mixed", 1.5}});
  print(study.history());
}

void go_on(Study& study, int count) {
  for (int i = 0; i < count; ++i) {
    const Trial trial = study.ask();
    study.tell(trial, objective(trial));
  }
}

void hold(Study& study) {
  std::cout << "ready" << std::endl;
  pollfd input{0, POLLIN, 0};
  while (poll(&input, 1, 100) == 0) go_on(study, 1);
}

int run(const std::vector<std::string>& arguments) {
  const std::string& what = arguments.at(0);
  const std::string& file = arguments.at(1);
  if (what == "write") {
    write(file);
    return 0;
  }
  const std::string& name = arguments.at(2);
  if (what == "space") {
    const auto storage = open_storage(file, OpenMode::read_only);
    std::cout << infer_space(*storage, storage->find_study(name).value().id).to_json() << "\n";
    return 0;
  }
  Study study = Study::open(name, {}, "sqlite:" + file, what == "read" ? OpenMode::read_only : OpenMode::read_write);
  if (what == "continue") go_on(study, std::stoi(arguments.at(3)));
  if (what == "hold") hold(study);
  print(study.history());
  return 0;
}

}  // namespace

int main(int count, char** values) {
  try {
    return run(std::vector<std::string>(values + 1, values + count));
  } catch (const std::exception& error) {
    std::cerr << "interop_tool: " << error.what() << "\n";
    return 1;
  }
}
