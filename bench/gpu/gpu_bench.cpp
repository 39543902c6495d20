/// The benchmark of bench/gpu: one JSON object per line and case.
///
///   gpu_bench [--engine cpu|cuda:0] [--only REGEX] [--quick] [--seconds S] [--limit S]   runs cases
///   gpu_bench --list [--quick]                                                  names them
///   gpu_bench --serve ...           runs the cases named on standard input, one a line, each when its line has come
///
/// --seconds is the time spent on a case's samples, --limit the longest call that is tried on the CPU engine.
#include "backend/open.hpp"
#include "base/thread_pool.hpp"
#include "gpu/case.hpp"
#include "gpu/memory.hpp"

#include <warpbo/device.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <iostream>
#include <regex>
#include <thread>

namespace warpbo::bench {

void Run::timing(const Timing& timing) {
  record.set("seconds", timing.median);
  record.set("least", timing.least);
  record.set("latency", timing.latency);
  record.set("samples", timing.samples);
  record.set("queued", timing.queued);
}

void Run::check(double deviation, double tolerance, std::string_view against) {
  record.set("deviation", deviation);
  record.set("tolerance", tolerance);
  record.set("against", against);
  if (!(deviation <= tolerance)) record.set("error", "the result is wrong: it deviates from " + std::string(against));
}

namespace {

struct Options {
  std::string engine = "cpu";
  std::string only;
  bool quick = false, list = false, serve = false;
  double seconds = 1, limit = 2;
};

Options parse(int argc, char** argv) {
  Options options;
  const auto fail = [&](const std::string& why) {
    std::cerr << "gpu_bench: " << why << "; see bench/README.md\n";
    std::exit(2);
  };
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--quick")
      options.quick = true;
    else if (name == "--list")
      options.list = true;
    else if (name == "--serve")
      options.serve = true;
    else if (i + 1 == argc)
      fail("unknown option, or one without its value: " + name);
    else if (name == "--engine")
      options.engine = argv[++i];
    else if (name == "--only")
      options.only = argv[++i];
    else if (name == "--seconds")
      options.seconds = std::stod(argv[++i]);
    else if (name == "--limit")
      options.limit = std::stod(argv[++i]);
    else
      fail("unknown option " + name);
  }
  return options;
}

Cases all_cases() {
  Cases cases;
  add_calibration(cases);
  add_dense_cases(cases);
  add_likelihood_cases(cases);
  add_fit_cases(cases);
  add_model_cases(cases);
  add_acquisition_cases(cases);
  add_batch_cases(cases);
  add_study_cases(cases);
  return cases;
}

/// Flops per second that one call of the CPU engine may be expected to reach: half of an AVX-512 core's matrix products.
double cpu_rate() { return 30e9 * std::max(1u, std::thread::hardware_concurrency()); }

Record measured(const Case& which, const Options& options) {
  Run run;
  run.engine = options.engine;
  run.limits.seconds = options.quick ? std::min(options.seconds, 0.2) : options.seconds;
  run.reference_work = cpu_rate() * (options.quick ? 1 : 2);
  run.record.set("case", which.name);
  run.record.set("engine", options.engine);
  if (!run.on_device() && which.work > cpu_rate() * options.limit) {
    run.record.set("skipped", "takes too long on the CPU");
    return run.record;
  }
  try {
    const MemoryWatch memory(options.engine);
    run.reference = backend::make_cpu_backend();
    run.backend = backend::open_backend(Device::parse(options.engine)).backend;
    which.body(run);
    run.record.set("memory", memory.peak());
  } catch (const std::exception& error) {
    run.record.set("error", error.what());
  }
  return run.record;
}

int serve(const Cases& cases, const Options& options) {
  for (std::string name; std::getline(std::cin, name);) {
    const auto found = std::find_if(cases.begin(), cases.end(), [&](const Case& c) { return c.name == name; });
    Record record;
    if (found != cases.end()) {
      record = measured(*found, options);
    } else {
      record.set("case", name);
      record.set("error", "there is no such case");
    }
    std::cout << record.line() << std::endl;
  }
  return 0;
}

int run_all(const Cases& cases, const Options& options) {
  const std::regex only(options.only);
  int failures = 0;
  for (const Case& which : cases) {
    if ((options.quick && !which.quick) || !std::regex_search(which.name, only)) continue;
    Record record;
    if (options.list) {
      record.set("case", which.name);
      record.set("work", which.work);
      record.set("quick", which.quick);
    } else {
      record = measured(which, options);
    }
    const std::string line = record.line();
    if (line.find("\"error\":") != std::string::npos) ++failures;
    std::cout << line << std::endl;
  }
  return failures == 0 ? 0 : 1;
}

/// Loads the driver and makes the context that all engines of this process share. Fails where there is no such device.
bool open_engine(const std::string& engine) {
  try {
    (void)backend::open_backend(Device::parse(engine));
    return true;
  } catch (const std::exception& error) {
    std::cerr << "gpu_bench: " << error.what() << '\n';
    return false;
  }
}

}  // namespace
}  // namespace warpbo::bench

int main(int argc, char** argv) {
  using namespace warpbo::bench;
  const Options options = parse(argc, argv);
  const Cases cases = all_cases();
  if (!options.list && !open_engine(options.engine)) return 3;
  return options.serve ? serve(cases, options) : run_all(cases, options);
}
