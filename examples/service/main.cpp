// A tuning service: a thousand heaters, each with a study of its own, all in one warpbo::Fleet.
//
// Every heater has a controller with three settings (gain, integral time, derivative time) and its own physics: how strongly
// and how fast it heats, and how late its thermometer notices. A trial is one warm-up with some settings; its cost is the
// integral of time x |error|, plus what switching the heater wildly costs. Heaters report when they are done, at different
// times; whoever has reported is asked for its next settings. At the end every heater is compared with the textbook rule
// (Skogestad's SIMC, 2003), which knows the physics exactly; the studies know nothing of it.
//
//     service [--studies N] [--trials N] [--seconds S] [--store URL]
#include <warpbo/warpbo.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Settings {
  double gain, integral, derivative;
};

/// A first-order heater with a late thermometer: `strength` degrees per unit of power, time constant and delay in seconds.
struct Heater {
  double strength, inertia, delay;

  /// The cost of warming up from 0 to 1 degree within ten time constants; NaN if it never settles.
  [[nodiscard]] double warm_up(const Settings& settings) const {
    const double step = inertia / 50;
    const auto late = static_cast<std::size_t>(std::lround(delay / step)) + 1;
    std::deque<double> noticed(late, 0.0);
    double temperature = 0, sum = 0, before = 1, power_before = 0, cost = 0;
    for (int i = 0; i < 500; ++i) {
      const double error = 1 - noticed.front();
      sum += error * step;
      const double slope = i == 0 ? 0 : (error - before) / step;
      const double power = std::clamp(settings.gain * (error + sum / settings.integral + settings.derivative * slope),
                                      -5 / strength, 5 / strength);
      temperature += step * (strength * power - temperature) / inertia;
      noticed.pop_front();
      noticed.push_back(temperature);
      const double time = i * step / inertia;
      cost += time * std::fabs(1 - temperature) * step / inertia + 0.002 * std::fabs(power - power_before) * strength;
      before = error;
      power_before = power;
    }
    return std::fabs(1 - temperature) < 0.5 && std::isfinite(cost) ? cost : std::nan("");
  }

  /// SIMC with its closed-loop time constant equal to the delay.
  [[nodiscard]] Settings textbook() const { return {0.5 * inertia / (strength * delay), std::min(inertia, 8 * delay), 0}; }
};

struct Arguments {
  int studies = 1000, trials = 40;
  double seconds = 0;  // of one call; 0: no limit
  std::string store = "memory:";
};

Arguments parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--studies")
      out.studies = std::max(1, std::atoi(value.c_str()));
    else if (name == "--trials")
      out.trials = std::max(1, std::atoi(value.c_str()));
    else if (name == "--seconds")
      out.seconds = std::max(0.0, std::atof(value.c_str()));
    else if (name == "--store")
      out.store = value;
    else
      std::fprintf(stderr, "service: unknown option %s (there are --studies, --trials, --seconds, --store)\n", name.c_str());
  }
  return out;
}

/// A customer of the service.
struct Customer {
  Heater heater;
  warpbo::Fleet::Id study = -1;
  double best = INFINITY;
  int told = 0;
};

class Service {
 public:
  explicit Service(const Arguments& arguments) : arguments_(arguments) { open_all(); }

  void run() {
    std::mt19937 random(1);
    while (true) {
      // Two out of three heaters are back from their last trial; the others take longer.
      std::vector<warpbo::Fleet::Ask> asks;
      for (const Customer& customer : customers_)
        if (customer.study >= 0 && customer.told < arguments_.trials && random() % 3 != 0) asks.push_back({customer.study, {}});
      if (asks.empty() && done() == customers_.size()) break;
      serve(asks);
      show(false);
    }
    show(true);
  }

  void summarize() const {
    std::vector<double> ratios;
    for (const Customer& customer : customers_)
      if (std::isfinite(customer.best)) ratios.push_back(customer.best / customer.heater.warm_up(customer.heater.textbook()));
    std::sort(ratios.begin(), ratios.end());
    const auto better = std::count_if(ratios.begin(), ratios.end(), [](double ratio) { return ratio < 1; });
    const auto quantile = [&](double q) {
      return ratios.empty() ? NAN : ratios[static_cast<std::size_t>(q * static_cast<double>(ratios.size() - 1))];
    };
    std::printf(
        "%zu studies, %lld trials, %lld failed, %lld late answers, %.1f s in the fleet (%.0f trials/s), models hold %.0f MB\n",
        customers_.size(), told_, failed_, late_, busy_, static_cast<double>(told_) / busy_,
        static_cast<double>(fleet_.model_bytes()) / 1e6);
    std::printf("cost over that of the textbook rule: median %.2f, best tenth %.2f, worst tenth %.2f; better in %lld of %zu\n",
                quantile(0.5), quantile(0.1), quantile(0.9), static_cast<long long>(better), ratios.size());
  }

 private:
  void open_all() {
    const std::shared_ptr<warpbo::Storage> store = warpbo::open_storage(arguments_.store);
    std::mt19937 random(7);
    std::uniform_real_distribution<double> uniform(-1, 1);
    std::vector<warpbo::Fleet::StudyToOpen> wanted;
    for (int i = 0; i < arguments_.studies; ++i) {
      const double inertia = 60 * std::exp(uniform(random));
      customers_.push_back({{std::exp(uniform(random)), inertia, inertia * (0.15 + 0.1 * uniform(random))}});
      warpbo::Space space;  // the same for all: what is good for one heater lies elsewhere for another
      space.real("gain", 0.2, 20).log();
      space.real("integral", 5, 500).log();
      space.real("derivative", 0, 20);
      warpbo::StudyOptions options;
      options.sampler.seed = static_cast<std::uint64_t>(i);
      wanted.push_back({"heater " + std::to_string(i), space, options, store});
    }
    const std::vector<warpbo::Fleet::Opened> opened = fleet_.open(wanted);
    for (std::size_t i = 0; i < opened.size(); ++i) {
      customers_[i].study = opened[i].study;
      if (opened[i].error) std::fprintf(stderr, "heater %zu: %s\n", i, opened[i].error->what());
      if (opened[i].study >= 0) by_study_.resize(std::max(by_study_.size(), static_cast<std::size_t>(opened[i].study) + 1));
      if (opened[i].study >= 0) by_study_[static_cast<std::size_t>(opened[i].study)] = i;
    }
  }

  /// One round: settings for all that ask, their warm-ups, their results.
  void serve(const std::vector<warpbo::Fleet::Ask>& asks) {
    auto start = Clock::now();
    const std::vector<warpbo::Fleet::Asked> answers = fleet_.ask(asks, arguments_.seconds);
    busy_ += seconds_since(start);
    std::vector<warpbo::Fleet::Tell> tells;
    for (const warpbo::Fleet::Asked& asked : answers) {
      Customer& customer = customers_[by_study_[static_cast<std::size_t>(asked.study)]];
      if (asked.error) {
        if (asked.error->code() != warpbo::ErrorCode::unavailable) std::fprintf(stderr, "\n%s\n", asked.error->what());
        ++late_;
        continue;
      }
      for (const warpbo::Trial& trial : asked.trials) {
        const double cost = customer.heater.warm_up(
            {trial.get<double>("gain"), trial.get<double>("integral"), trial.get<double>("derivative")});
        warpbo::Fleet::Tell& tell = tells.emplace_back();
        tell.study = asked.study;
        if (std::isfinite(cost))
          tell.results.push_back({trial.number, cost});
        else
          tell.failures.push_back({trial.number, "the temperature does not settle"});
        customer.best = std::fmin(customer.best, cost);
        ++customer.told;
        ++told_;
        failed_ += std::isfinite(cost) ? 0 : 1;
      }
    }
    start = Clock::now();
    for (const warpbo::Fleet::Told& told : fleet_.tell(tells))
      if (told.error) std::fprintf(stderr, "\n%s\n", told.error->what());
    busy_ += seconds_since(start);
  }

  [[nodiscard]] std::size_t done() const {
    return static_cast<std::size_t>(std::count_if(customers_.begin(), customers_.end(), [&](const Customer& customer) {
      return customer.study < 0 || customer.told >= arguments_.trials;
    }));
  }

  /// A line that is rewritten on a terminal; elsewhere one line every two seconds.
  void show(bool last) {
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    if (!last && seconds_since(shown_) < (terminal ? 0.1 : 2)) return;
    shown_ = Clock::now();
    constexpr int kWidth = 30;
    const double share =
        static_cast<double>(told_) / (static_cast<double>(arguments_.trials) * static_cast<double>(customers_.size()));
    std::string bar(static_cast<std::size_t>(kWidth * std::min(share, 1.0)), '#');
    bar.resize(kWidth, '.');
    std::printf("%s[%s] %lld trials, %zu of %zu heaters done, %.0f trials/s, models hold %.0f MB%s", terminal ? "\r" : "",
                bar.c_str(), told_, done(), customers_.size(), static_cast<double>(told_) / std::max(busy_, 1e-9),
                static_cast<double>(fleet_.model_bytes()) / 1e6, terminal && !last ? "   " : "\n");
    std::fflush(stdout);
  }

  Arguments arguments_;
  warpbo::Fleet fleet_;
  std::vector<Customer> customers_;
  std::vector<std::size_t> by_study_;
  long long told_ = 0, failed_ = 0, late_ = 0;
  double busy_ = 0;
  Clock::time_point shown_{};
};

}  // namespace

int main(int argc, char** argv) {
  try {
    Service service(parse(argc, argv));
    service.run();
    service.summarize();
  } catch (const warpbo::Error& error) {
    std::fprintf(stderr, "service: %s\n", error.what());
    return 1;
  }
}
