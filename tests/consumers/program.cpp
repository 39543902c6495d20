// What a program of somebody else does with warpbo: it sees only what is installed, catches warpbo's errors across the library's
// boundary, and has a BLAS of its own with which warpbo must not get mixed up.
#include <warpbo/warpbo.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#ifdef WARPBO_CONSUMER_HAS_OWN_BLAS
// If warpbo's calls of BLAS and LAPACK resolved to the host program's symbols, one of these would end the program.
extern "C" {
void dgemm_() { std::abort(); }
void dpotrf_() { std::abort(); }
void dtrsm_() { std::abort(); }
void dsyrk_() { std::abort(); }
}
#endif

namespace {

bool catches_errors() {
  warpbo::Space space;
  try {
    space.real("x", 1.0, 0.0);
  } catch (const warpbo::Error& error) {
    return error.code() == warpbo::ErrorCode::invalid_argument && std::string_view(error.what()).find('x') != std::string_view::npos;
  }
  return false;
}

double objective(const warpbo::Trial& trial) {
  const double x = trial.get<double>("x") - 0.3;
  return x * x + (trial.get<std::string>("kind") == "good" ? 0.0 : 1.0);
}

bool minimizes() {
  warpbo::Space space;
  space.real("x", 0.0, 1.0);
  space.categorical("kind", {"good", "bad"});
  warpbo::StudyOptions options;
  options.sampler.kind = warpbo::SamplerKind::gp;
  warpbo::Study study = warpbo::Study::create("consumer", space, options);
  for (int i = 0; i < 12; ++i) {
    const warpbo::Trial trial = study.ask();
    study.tell(trial, objective(trial));
  }
  return study.best().value.value() < 0.5;
}

bool models() {
  const std::vector<double> points{0.0, 0.25, 0.5, 0.75, 1.0};
  const std::vector<double> targets{0.0, 0.5, 1.0, 1.5, 2.0};
  warpbo::GaussianProcessOptions options;
  options.dimensions = 1;
  const auto process = warpbo::GaussianProcess::fit(points, targets, options);
  return std::abs(process.predict(std::vector<double>{0.6}).mean.at(0) - 1.2) < 0.1;
}

}  // namespace

int main() {
  const bool caught = catches_errors();
  const bool minimized = minimizes();
  const bool modelled = models();
  std::printf("warpbo %s: errors %s, study %s, model %s\n", WARPBO_VERSION, caught ? "ok" : "FAILED", minimized ? "ok" : "FAILED",
              modelled ? "ok" : "FAILED");
  return caught && minimized && modelled ? EXIT_SUCCESS : EXIT_FAILURE;
}
