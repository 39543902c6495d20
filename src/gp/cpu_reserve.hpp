/// The CPU as the reserve of a regression whose device fails.
#pragma once

#include "gp/regression.hpp"

#include <warpbo/error.hpp>

namespace warpbo::gp {

/// `work(regression)`; if a device runs out of memory, is lost or gives wrong numbers, the regression moves to the CPU, where
/// it stays, and the work is done again. What the caller did wrong is thrown as it is, and so is everything on the CPU.
template <class Work>
auto with_cpu_reserve(Regression& regression, Work&& work) {
  try {
    return work(regression);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid_argument || regression.backend()->name() == "cpu") throw;
  }
  regression = regression.on(backend::make_cpu_backend());
  return work(regression);
}

}  // namespace warpbo::gp
