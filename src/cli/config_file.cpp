// Reading warpbo.toml. The only file that knows the TOML library.
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>
#include <warpbo/error.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "cli/config.hpp"
#include "cli/param_spec.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

/// A TOML table that knows its name and complains with file:line:column.
class Section {
 public:
  Section(const toml::table& table, std::string path, const std::string& file)
      : table_(table), path_(std::move(path)), file_(file) {}

  [[noreturn]] static void refuse(const std::string& file, const toml::source_region& where, const std::string& what) {
    throw Error(ErrorCode::invalid_argument,
                file + ":" + std::to_string(where.begin.line) + ":" + std::to_string(where.begin.column) + ": " + what);
  }
  [[noreturn]] void refuse(const toml::node& node, const std::string& what) const { refuse(file_, node.source(), what); }
  [[noreturn]] void refuse_here(const std::string& what) const { refuse(file_, table_.source(), what); }

  void allow(std::initializer_list<const char*> keys) const {
    const std::vector<std::string> known(keys.begin(), keys.end());
    for (auto&& [key, node] : table_) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      std::string list;
      for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
      refuse(file_, key.source(),
             "unknown key " + quote(key.str()) + in() + did_you_mean(key.str(), known) + " (keys: " + list + ")");
    }
  }

  [[nodiscard]] const toml::node* find(std::string_view key) const { return table_.get(key); }

  [[nodiscard]] std::optional<std::string> string(std::string_view key) const {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    return string_of(*node, std::string(key));
  }
  [[nodiscard]] std::string string_of(const toml::node& node, const std::string& what) const {
    if (const auto* value = node.as_string()) return value->get();
    refuse(node, what + in() + " must be a string in quotes");
  }
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high) const {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    const auto* value = node->as_integer();
    if (value == nullptr || value->get() < low || value->get() > high)
      refuse(*node,
             std::string(key) + in() + " must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
    return value->get();
  }
  [[nodiscard]] std::optional<double> number(std::string_view key) const {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    return number_of(*node, std::string(key));
  }
  [[nodiscard]] double number_of(const toml::node& node, const std::string& what) const {
    if (const auto* value = node.as_floating_point()) return value->get();
    if (const auto* value = node.as_integer()) return static_cast<double>(value->get());
    refuse(node, what + in() + " must be a number");
  }
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* value = node->as_boolean()) return value->get();
    refuse(*node, std::string(key) + in() + " must be true or false");
  }
  /// Seconds, from a number or a text such as "10m".
  [[nodiscard]] std::optional<double> duration(std::string_view key) const {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    const auto seconds =
        node->is_string() ? parse_duration(node->as_string()->get()) : std::optional(number_of(*node, std::string(key)));
    if (!seconds || !(*seconds >= 0))
      refuse(*node, std::string(key) + in() + " must be a duration such as 90, \"10m\" or \"1h30m\"");
    return seconds;
  }
  [[nodiscard]] std::vector<std::string> strings(std::string_view key) const {
    const toml::node* node = find(key);
    if (node == nullptr) return {};
    const auto* array = node->as_array();
    if (array == nullptr)
      refuse(*node, std::string(key) + in() + " must be a list of strings, for example [\"python3\", \"train.py\"]");
    std::vector<std::string> out;
    for (const toml::node& item : *array) out.push_back(string_of(item, "each item of " + std::string(key)));
    return out;
  }
  [[nodiscard]] const toml::table& table() const { return table_; }
  [[nodiscard]] std::string in() const { return path_.empty() ? "" : " in [" + path_ + "]"; }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  const toml::table& table_;
  std::string path_;
  const std::string& file_;
};

Value value_of(const Section& section, const toml::node& node) {
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  section.refuse(node, "a choice must be a string, a number, true or false");
}

std::vector<Value> values_of(const Section& section, const toml::node& node) {
  const auto* array = node.as_array();
  if (array == nullptr) section.refuse(node, "the choices must be a list, for example [\"sgd\", \"adam\"]");
  std::vector<Value> out;
  for (const toml::node& item : *array) out.push_back(value_of(section, item));
  return out;
}

/// The two ends of `float = [low, high]`.
const toml::array& pair_of(const Section& section, const toml::node& node) {
  const auto* array = node.as_array();
  if (array == nullptr || array->size() != 2) section.refuse(node, "the range must be [low, high]");
  return *array;
}

std::int64_t integer_of(const Section& section, const toml::node& node) {
  if (const auto* value = node.as_integer()) return value->get();
  section.refuse(node, "an int parameter needs integer bounds");
}

void read_table_param(const Section& section, ParamDeclaration& param) {
  ParameterSpec& spec = param.spec;
  static constexpr const char* kKinds[] = {"float", "int", "choice", "ordinal", "bool", "value"};
  section.allow({"float", "int", "choice", "ordinal", "bool", "value", "log", "step", "when", "default"});
  const char* kind = nullptr;
  for (const char* name : kKinds) {
    if (section.find(name) == nullptr) continue;
    if (kind != nullptr)
      section.refuse(*section.find(name), std::string("a parameter is either ") + kind + " or " + name + ", not both");
    kind = name;
  }
  if (kind == nullptr) section.refuse_here("a parameter needs one of float, int, choice, ordinal, bool and value");
  const toml::node& domain = *section.find(kind);
  const std::string_view what = kind;
  if (what == "float") {
    const toml::array& ends = pair_of(section, domain);
    spec.kind = ParameterKind::real;
    spec.low = section.number_of(*ends.get(0), "the lower bound");
    spec.high = section.number_of(*ends.get(1), "the upper bound");
    spec.step = section.number("step");
  } else if (what == "int") {
    const toml::array& ends = pair_of(section, domain);
    spec.kind = ParameterKind::integer;
    spec.int_low = integer_of(section, *ends.get(0));
    spec.int_high = integer_of(section, *ends.get(1));
    spec.int_step = section.integer("step", 1, std::numeric_limits<std::int64_t>::max());
  } else if (what == "value") {
    spec.kind = ParameterKind::constant;
    spec.choices = {value_of(section, domain)};
  } else if (what == "bool") {
    spec.kind = ParameterKind::categorical;
    spec.choices = {Value(false), Value(true)};
  } else {
    spec.kind = what == "ordinal" ? ParameterKind::ordinal : ParameterKind::categorical;
    spec.choices = values_of(section, domain);
  }
  const bool numeric = what == "float" || what == "int";
  for (const char* key : {"log", "step"})
    if (!numeric && section.find(key) != nullptr)
      section.refuse(*section.find(key), std::string(key) + " fits only float and int");
  spec.log = section.boolean("log").value_or(false);
  spec.condition = section.string("when").value_or("");
  if (const toml::node* first = section.find("default")) {
    param.first = value_of(section, *first);
    if (const auto* integer = std::get_if<std::int64_t>(&*param.first); integer != nullptr && spec.kind == ParameterKind::real)
      param.first = static_cast<double>(*integer);
  }
}

ParamDeclaration read_param(const std::string& name, const toml::node& node, const std::string& file) {
  ParamDeclaration param;
  param.spec.name = name;
  const toml::table empty;
  const Section here(node.is_table() ? *node.as_table() : empty, "params." + name, file);
  if (node.is_table()) {
    read_table_param(here, param);
  } else if (const auto* text = node.as_string()) {
    try {
      param.spec = parse_param_spec(name, text->get());
    } catch (const Error& error) {
      here.refuse(node, error.what());
    }
  } else if (node.is_array()) {
    param.spec.kind = ParameterKind::categorical;
    param.spec.choices = values_of(here, node);
  } else {
    param.spec.kind = ParameterKind::constant;
    param.spec.choices = {value_of(here, node)};
  }
  return param;
}

/// The tables of the parser are sorted by name; the user's order is that of the file.
void read_params(const toml::table& table, const std::string& file, Config& config) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (auto&& [key, node] : table) entries.emplace_back(&key, &node);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    const auto left = a.first->source().begin, right = b.first->source().begin;
    return std::pair(left.line, left.column) < std::pair(right.line, right.column);
  });
  Space probe;
  for (const auto& [key, node] : entries) {
    config.params.push_back(read_param(std::string(key->str()), *node, file));
    try {
      probe.add(config.params.back().spec);
    } catch (const Error& error) {
      Section::refuse(file, key->source(), error.what());
    }
  }
}

MetricRule read_metric(const Section& command) {
  MetricRule rule;
  const toml::node* node = command.find("metric");
  if (node == nullptr) return rule;
  if (const auto* text = node->as_string()) {
    if (text->get() == "auto") return rule;
    if (text->get() == "stdout") {
      rule.source = MetricRule::Source::standard_output;
    } else if (text->get() == "file") {
      rule.source = MetricRule::Source::file;
    } else {
      command.refuse(
          *node, "metric must be \"auto\", \"stdout\", \"file\", { file = \"PATH\" } or { regex = \"loss is (.*)\" }, not " +
                     quote(text->get()));
    }
    return rule;
  }
  if (!node->is_table()) command.refuse(*node, "metric must be a string or a table such as { regex = \"loss is (.*)\" }");
  const Section table(*node->as_table(), "command.metric", command.file());
  table.allow({"file", "json", "regex"});
  if (table.table().size() != 1) table.refuse_here("metric needs exactly one of file, json and regex");
  if (const auto regex = table.string("regex")) {
    rule.source = MetricRule::Source::regex;
    rule.regex = *regex;
    try {
      check_regex(rule.regex);
    } catch (const Error& error) {
      table.refuse(*table.find("regex"), error.what());
    }
  } else {
    rule.source = MetricRule::Source::file;
    rule.path = table.find("file") != nullptr ? *table.string("file") : *table.string("json");
  }
  return rule;
}

void read_command(const Section& section, CommandConfig& command) {
  section.allow({"run", "metric", "timeout", "grace", "retries", "retry_on", "accept_nonzero", "env", "log_limit"});
  command.run = section.strings("run");
  if (section.find("run") != nullptr && command.run.empty()) section.refuse(*section.find("run"), "run must name a program");
  command.metric = read_metric(section);
  command.timeout = section.duration("timeout").value_or(command.timeout);
  command.grace = section.duration("grace").value_or(command.grace);
  command.retries = static_cast<int>(section.integer("retries", 0, 1000).value_or(0));
  if (const auto on = section.string("retry_on")) {
    if (*on != "any" && *on != "killed") section.refuse(*section.find("retry_on"), "retry_on must be \"any\" or \"killed\"");
    command.retry_killed_only = *on == "killed";
  }
  command.accept_nonzero = section.boolean("accept_nonzero").value_or(false);
  command.log_limit = section.integer("log_limit", 0, std::numeric_limits<std::int64_t>::max()).value_or(command.log_limit);
  if (const toml::node* env = section.find("env")) {
    if (!env->is_table()) section.refuse(*env, "env must be a table such as { OMP_NUM_THREADS = \"1\" }");
    const Section table(*env->as_table(), "command.env", section.file());
    for (auto&& [key, node] : table.table()) {
      if (key.str().empty() || key.str().find('=') != std::string_view::npos)
        table.refuse(node, quote(key.str()) + " cannot be the name of an environment variable");
      command.env.emplace_back(std::string(key.str()), table.string_of(node, std::string(key.str())));
    }
  }
}

void read_budget(const Section& section, BudgetConfig& budget) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  section.allow({"trials", "jobs", "time", "target", "max_failed"});
  budget.trials = section.integer("trials", 1, kMost);
  budget.jobs = static_cast<int>(section.integer("jobs", 1, 1024).value_or(1));
  budget.time = section.duration("time").value_or(0);
  budget.target = section.number("target");
  budget.max_failed = section.integer("max_failed", 1, kMost);
}

void read_optimizer(const Section& section, SamplerOptions& sampler) {
  section.allow({"kind", "seed", "device", "noise", "acquisition", "ucb_coefficient", "trust_regions", "initial_trials",
                 "grid_points", "max_seconds_per_ask"});
  const auto with_place = [&](const char* key, auto&& read) {
    if (const auto text = section.string(key)) {
      try {
        read(*text);
      } catch (const Error& error) {
        section.refuse(*section.find(key), error.what());
      }
    }
  };
  with_place("kind", [&](const std::string& text) { sampler.kind = parse_sampler_kind(text); });
  with_place("device", [&](const std::string& text) { sampler.device = Device::parse(text); });
  with_place("acquisition", [&](const std::string& text) { sampler.acquisition = parse_acquisition(text); });
  if (const auto coefficient = section.number("ucb_coefficient")) {
    if (!(*coefficient >= 0 && *coefficient <= 1e6))
      section.refuse(*section.find("ucb_coefficient"), "ucb_coefficient in [optimizer] must be a number from 0 to 1e6");
    sampler.ucb_coefficient = *coefficient;
  }
  if (const auto seconds = section.number("max_seconds_per_ask")) sampler.max_seconds_per_ask = *seconds;
  with_place("noise", [&](const std::string& text) { sampler.noise = parse_noise(text); });
  sampler.seed = static_cast<std::uint64_t>(section.integer("seed", 0, std::numeric_limits<std::int64_t>::max()).value_or(0));
  sampler.initial_trials = static_cast<int>(section.integer("initial_trials", 0, 1'000'000).value_or(0));
  sampler.trust_regions = static_cast<int>(section.integer("trust_regions", 1, 1000).value_or(sampler.trust_regions));
  sampler.grid_points = static_cast<int>(section.integer("grid_points", 1, 1'000'000).value_or(sampler.grid_points));
}

}  // namespace

Config parse_config(std::string_view text, const std::string& source) {
  toml::table root;
  try {
    root = toml::parse(text, std::string_view(source));
  } catch (const toml::parse_error& error) {
    Section::refuse(source, error.source(), std::string(error.description()));
  }
  Config config;
  config.source = source;
  const Section top(root, "", source);
  top.allow({"study", "objective", "command", "budget", "params", "space", "optimizer"});
  const auto section = [&](const char* name, auto&& read) {
    const toml::node* node = top.find(name);
    if (node == nullptr) return;
    if (!node->is_table()) top.refuse(*node, std::string(name) + " must be a table: [" + name + "]");
    read(Section(*node->as_table(), name, source));
  };
  section("study", [&](const Section& study) {
    study.allow({"name", "store"});
    config.name = study.string("name").value_or("");
    if (study.find("name") != nullptr && config.name.empty()) study.refuse(*study.find("name"), "the study's name is empty");
    config.store = study.string("store").value_or("");
  });
  section("objective", [&](const Section& objective) {
    objective.allow({"minimize", "maximize"});
    if (objective.table().size() > 1) objective.refuse_here("[objective] needs exactly one of minimize and maximize");
    const bool maximize = objective.find("maximize") != nullptr;
    config.direction = maximize ? Direction::maximize : Direction::minimize;
    config.objective = objective.string(maximize ? "maximize" : "minimize").value_or("");
  });
  section("command", [&](const Section& command) { read_command(command, config.command); });
  section("budget", [&](const Section& budget) { read_budget(budget, config.budget); });
  section("params", [&](const Section& params) { read_params(params.table(), source, config); });
  section("space", [&](const Section& space) {
    space.allow({"constraints"});
    config.constraints = space.strings("constraints");
  });
  section("optimizer", [&](const Section& optimizer) { read_optimizer(optimizer, config.sampler); });
  return config;
}

Config load_config(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code code;
  if (!fs::exists(path, code))
    throw Error(ErrorCode::not_found, "there is no sweep file " + quote(path) + "; make one with: warpbo init");
  if (!fs::is_regular_file(path, code)) throw Error(ErrorCode::invalid_argument, quote(path) + " is not a file");
  if (fs::file_size(path, code) > (16U << 20))
    throw Error(ErrorCode::invalid_argument, quote(path) + " is too large for a sweep file");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(ErrorCode::unavailable, "the sweep file " + quote(path) + " cannot be read");
  Config config = parse_config(text.str(), path);
  const fs::path folder = fs::path(path).parent_path();
  config.directory = folder.empty() ? "." : folder.string();
  if (config.name.empty()) config.name = fs::absolute(path, code).parent_path().filename().string();
  if (config.name.empty()) config.name = "study";
  return config;
}

}  // namespace warpbo::cli
