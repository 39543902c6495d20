/// A case of the benchmark: a name, how much work one call is, and what is done with an engine.
#pragma once

#include "backend/backend.hpp"
#include "gpu/record.hpp"
#include "gpu/timing.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace warpbo::bench {

/// What a case works with and where it writes to.
struct Run {
  std::string engine;                           ///< "cpu", "cuda:0"
  std::shared_ptr<backend::Backend> backend;    ///< made for this case alone, so that its memory can be told apart
  std::shared_ptr<backend::Backend> reference;  ///< the CPU engine
  double reference_work = 0;                    ///< flops that the reference may spend on a check
  Limits limits;
  Record record;

  [[nodiscard]] bool on_device() const { return engine != "cpu"; }
  void timing(const Timing& timing);
  /// Says how far the result is from `reference`, and fails the case where that is more than `tolerance`.
  void check(double deviation, double tolerance, std::string_view against);
};

struct Case {
  std::string name;  ///< group/key=value/...
  double work;       ///< flops of one call, roughly: what takes too long on the CPU is skipped there
  bool quick;        ///< part of --quick
  std::function<void(Run&)> body;
};

using Cases = std::vector<Case>;
void add_calibration(Cases& cases);
void add_dense_cases(Cases& cases);
void add_likelihood_cases(Cases& cases);
void add_fit_cases(Cases& cases);
void add_model_cases(Cases& cases);
void add_acquisition_cases(Cases& cases);
void add_batch_cases(Cases& cases);
void add_study_cases(Cases& cases);

}  // namespace warpbo::bench
