/// What the CUDA engine asks of a device, counted on the tests' stand-in: launches, waits, bytes over the bus and memory, for
/// one call of every operation and for whole searches and asks. Prints a table in Markdown. The first call, which makes handles
/// and takes memory, is not counted.
#include "acquisition/candidate_pool.hpp"
#include "acquisition/fantasy_model.hpp"
#include "backend/open.hpp"
#include "emulation/emulation.hpp"
#include "gp/fit.hpp"
#include "gpu/fitted.hpp"
#include "math/lbfgs.hpp"
#include "optimize/multi_start.hpp"

#include <warpbo/study.hpp>

#include <cstdio>
#include <functional>
#include <iostream>
#include <string>

namespace warpbo::bench {

namespace {

using backend::Buffer;

constexpr std::int64_t kDimensions = 10;

void row(const std::string& what, const std::function<void()>& call, int warm = 2) {
  try {
    for (int i = 0; i < warm; ++i) call();
    emulation::reset_counters();
    call();
  } catch (const std::exception& error) {
    std::cout << "| " << what << " | " << error.what() << " | | | | | | | |\n";
    return;
  }
  const emulation::Counters c = emulation::counters();
  std::cout << "| " << what << " | " << c.launches << " | " << c.graph_launches << " | " << c.nodes << " | "
            << c.synchronizations << " | " << c.bytes_to_device << " | " << c.bytes_to_host << " | " << c.allocations << " | "
            << c.peak_bytes / 1024 << " |" << std::endl;
}

/// Square matrices, right-hand sides and moments of n points, enough for one call of each operation.
class Operations {
 public:
  Operations(const std::shared_ptr<backend::Backend>& backend, std::int64_t n)
      : backend_(backend),
        problem_(n, kDimensions),
        n_(n),
        data_(backend, problem_, kStarts),
        square_(backend, n * n),
        inverse_(backend, n * n),
        cross_(backend, n * kQueries),
        queries_(upload(backend, uniforms(4, kQueries * kDimensions))),
        mean_(backend, kQueries * kSamples),
        variance_(upload(backend, uniforms(5, kQueries))),
        values_(backend, kQueries),
        gradients_(backend, kQueries * kDimensions),
        info_(backend, kStarts),
        indices_(backend, kStarts) {}

  void covariances() {
    const std::string at = "n = " + std::to_string(n_);
    row("FillSobol 1000 x 10", [&] { backend_->run(backend::FillSobol{queries(), 1, 0}); });
    row("FillRandom 1000 x 10", [&] { backend_->run(backend::FillRandom{queries(), 1, 0, true}); });
    row("Gram, " + at, [&] { gram(); });
    row("CrossGram, " + at + ", m = 1000", [&] {
      backend_->run(backend::CrossGram{{}, data_.points(), queries(), data_.theta(0), cross_.matrix(n_, kQueries)});
    });
    row("Gram + Cholesky, " + at, [&] { factor(); });
    row("TriangularInverse, " + at, [&] { backend_->run(backend::TriangularInverse{square(), 0, inverse_.matrix(n_, n_)}); });
    row("SolveLower, " + at + ", m = 1000", [&] {
      backend_->run(backend::SolveLower{square(), false, cross_.matrix(n_, kQueries)});
    });
    row("Multiply, triangle times one column, " + at, [&] {
      backend_->run(
          backend::Multiply{inverse_.matrix(n_, n_), false, true, cross_.matrix(n_, 1), false, 1, 0, mean_.matrix(n_, 1)});
    });
    for (const std::int64_t starts : {std::int64_t{1}, kStarts})
      row("Likelihood, " + at + ", " + std::to_string(starts) + " thetas", [&] { likelihood(starts); });
  }

  void moments() {
    const std::string at = "n = " + std::to_string(n_);
    const gp::Regression regression = fitted(backend_, problem_);
    const Buffer<double> incumbent = upload(backend_, {-1.0});
    backend::Posterior posterior;
    posterior.model = regression.model();
    posterior.queries = queries();
    posterior.mean = mean_.matrix(kQueries, 1);
    posterior.variance = variance_.view();
    row("Posterior, " + at + ", m = 1000", [&] { backend_->run(posterior); });
    const backend::AcquisitionSpec logei{backend::AcquisitionKind::log_ei, incumbent.view(), 0};
    row("Score, m = 1000", [&] {
      backend_->run(backend::Score{logei, mean_.matrix(kQueries, 1), variance_.view(), values_.view()});
    });
    row("Acquisition with gradient, " + at + ", m = 20", [&] {
      backend_->run(backend::Acquisition{regression.model(),
                                         logei,
                                         upload_few(),
                                         nullptr,
                                         {values_.data(), kStarts},
                                         gradients_.matrix(kStarts, kDimensions)});
    });
    row("SelectTop, 20 of 1000", [&] { backend_->run(backend::SelectTop{values_.view(), indices_.view()}); });
    row("maximize LogEI, 20 starts, " + at, [&] { maximize(regression, logei); });
  }

  void regression() {
    const std::string at = "n = " + std::to_string(n_);
    gp::Regression whole = fitted(backend_, problem_);
    row("gp: factorize, " + at, [&] { (void)whole.factorize(problem_.theta); });
    gp::FitOptions warm;
    warm.warm = {problem_.theta};
    warm.restarts = 0;
    warm.max_rounds = 15;
    row(
        "gp: fit, warm, " + at, [&] { (void)gp::fit(whole, warm); }, 1);
    const std::int64_t before = n_ - 8;
    std::int64_t told = before;
    refit(whole, problem_, before);
    row("gp: append one point, " + at, [&] {
      const auto first = static_cast<std::size_t>(told++);
      (void)whole.append(std::span(problem_.points).subspan(first * kDimensions, kDimensions),
                         std::span(problem_.targets).subspan(first, 1));
    });
    acquisition::FantasyModel fantasies(whole, 8, 64, -1.0, 1);
    acquisition::CandidatePool pool(whole, fantasies, uniforms(4, kQueries * kDimensions), 8);
    std::size_t next = 0;
    row("batch: score, add a pick, extend; 1000 candidates, 64 samples, " + at, [&] {
      (void)pool.score({backend::AcquisitionKind::log_ei, fantasies.incumbents(), 0});
      (void)fantasies.add(pool.row(next++));
      pool.extend(fantasies);
    });
  }

 private:
  static constexpr std::int64_t kQueries = 1000, kStarts = 20, kSamples = 64;

  [[nodiscard]] backend::Matrix queries() const { return queries_.matrix(kQueries, kDimensions); }
  [[nodiscard]] backend::ConstMatrix upload_few() const { return queries().block(0, 0, kStarts, kDimensions); }
  [[nodiscard]] backend::Matrix square() const { return square_.matrix(n_, n_); }
  void gram() { backend_->run(backend::Gram{{}, data_.points(), data_.theta(0), {}, 0, square()}); }
  void factor() {
    gram();
    backend_->run(backend::Cholesky{square(), 0, {info_.data(), 1}});
  }
  void likelihood(std::int64_t count) {
    backend::Likelihood call;
    call.points = data_.points();
    call.targets = data_.targets();
    call.theta = data_.theta().block(0, 0, count, kDimensions + 1);
    call.value = {values_.data(), count};
    call.gradient = gradients_.matrix(count, kDimensions + 1);
    call.info = {info_.data(), count};
    backend_->run(call);
  }
  void maximize(const gp::Regression& regression, const backend::AcquisitionSpec& logei) {
    const std::vector<double> starts = uniforms(6, kStarts * kDimensions), lower(starts.size(), 0.0), upper(starts.size(), 1.0);
    optimize::MultiStartOptions options;
    options.maximize = true;
    options.gradient_tolerance = 1e-5;
    options.value_tolerance = 1e-9;
    options.trials = optimize::affordable_trials(backend_->traits().free_rows, kStarts);
    const auto objective = [&](backend::ConstMatrix at, const std::int32_t* active, backend::Vector value,
                               backend::Matrix gradient) {
      backend_->run(backend::Acquisition{regression.model(), logei, at, active, value, gradient});
    };
    (void)optimize::multi_start(regression.arena(), kDimensions, starts, lower, upper, objective, options);
  }

  std::shared_ptr<backend::Backend> backend_;
  Problem problem_;
  std::int64_t n_;
  Uploaded data_;
  Buffer<double> square_, inverse_, cross_, queries_, mean_, variance_, values_, gradients_;
  Buffer<std::int32_t> info_, indices_;
};

/// Asks of a study with `told` results, through the public interface.
void asks(int told) {
  Space space;
  for (std::int64_t i = 0; i < kDimensions; ++i) space.real("x" + std::to_string(i), 0.0, 1.0);
  StudyOptions options;
  options.sampler.kind = SamplerKind::gp;
  options.sampler.seed = 1;
  options.sampler.device = Device::cuda(0);
  options.on_notice = [](std::string_view text) { std::cout << "notice: " << text << '\n'; };
  Study study = Study::create("traffic", space, options);
  const auto value = [](const Trial& trial) {
    double sum = 0;
    for (const auto& [name, x] : trial.parameters) sum += (std::get<double>(x) - 0.3) * (std::get<double>(x) - 0.3);
    return sum;
  };
  StudyOptions quick = options;
  quick.sampler.kind = SamplerKind::random;
  auto filler = Study::open("traffic", quick, std::shared_ptr<Storage>(&study.storage(), [](Storage*) {}));
  std::vector<Study::Result> results;
  for (const Trial& trial : filler.ask(told)) results.push_back({trial.number, value(trial)});
  filler.tell(results);
  const std::string at = ", d = 10, n = " + std::to_string(told);
  row(
      "ask(1), after a tell" + at,
      [&] {
        const Trial trial = study.ask();
        study.tell(trial, value(trial));
      },
      1);
  row(
      "ask(4)" + at,
      [&] {
        for (const Trial& trial : study.ask(4)) study.fail(trial, "only counted");
      },
      1);
}

}  // namespace
}  // namespace warpbo::bench

int main(int argc, char** argv) {
  using namespace warpbo::bench;
  const std::int64_t n = argc > 1 ? std::stoll(argv[1]) : 200;
  std::cout << "| one call of | launches | graphs | nodes of graphs | waits | bytes to device | bytes to host | allocations | "
               "peak KB |\n"
            << "|---|---|---|---|---|---|---|---|---|\n";
  Operations operations(warpbo::backend::make_cuda_backend(0), n);
  operations.covariances();
  operations.moments();
  operations.regression();
  asks(static_cast<int>(n));
}
