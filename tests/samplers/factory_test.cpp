#include <warpbo/error.hpp>
#include <warpbo/sampler.hpp>

#include <gtest/gtest.h>

namespace warpbo {
namespace {

TEST(SamplerFactory, MakesEveryKindUnderItsName) {
  for (const char* name : {"auto", "gp", "random", "grid", "sobol", "de"}) {
    SamplerOptions options;
    options.kind = parse_sampler_kind(name);
    EXPECT_EQ(make_sampler(options)->name(), name);
  }
}

TEST(SamplerFactory, OptionsOutOfRangeAreRefused) {
  SamplerOptions options;
  options.kind = SamplerKind::grid;
  options.grid_points = 0;
  EXPECT_THROW(static_cast<void>(make_sampler(options)), Error);
  options.grid_points = 1;
  options.initial_trials = -1;
  EXPECT_THROW(static_cast<void>(make_sampler(options)), Error);
  options.initial_trials = 0;
  for (const int regions : {0, 1001}) {
    options.trust_regions = regions;
    EXPECT_THROW(static_cast<void>(make_sampler(options)), Error);
  }
}

}  // namespace
}  // namespace warpbo
