/// A study whose device fails while it runs: every ask is answered, the trials say how, the user is told once.
#include "backend/fault_backend.hpp"
#include "samplers/gp_sampler.hpp"
#include "study/fakes.hpp"

namespace warpbo::testing {
namespace {

/// A study that proposes on a device which fails on order.
struct DeviceStudy {
  std::shared_ptr<backend::FaultBackend> device = std::make_shared<backend::FaultBackend>(backend::make_cpu_backend());
  NoticeLog notices;
  Study study = [this] {
    StudyOptions options;
    options.custom_sampler = samplers::make_gp_sampler({.kind = SamplerKind::gp}, samplers::GpRecipe{}, [this](const Device&) {
      return backend::Opened{device, {}};
    });
    options.on_notice = notices.receiver();
    return new_study(mixed_space(), options);
  }();

  Trial ask_and_tell() {
    const Trial trial = study.ask();
    study.tell(trial, trial.parameters.get<double>("x") + static_cast<double>(trial.number % 3));
    return trial;
  }
};

TEST(StudyDevice, G8_ALostDeviceCostsNoTrialAndIsReportedOnce) {
  DeviceStudy world;
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(world.ask_and_tell().attributes.contains("warpbo:degraded"));
  EXPECT_EQ(world.study.model().device, "cuda:0");
  backend::Faults faults;
  faults.lost_at_call = 50;
  world.device->plan(faults);
  EXPECT_TRUE(mentions(world.ask_and_tell().attributes.at("warpbo:degraded"), "is lost"));
  for (int i = 0; i < 6; ++i) {
    const Trial trial = world.ask_and_tell();
    EXPECT_FALSE(trial.attributes.contains("warpbo:degraded"));
    EXPECT_TRUE(mentions(trial.attributes.at("warpbo:origin"), "gp/"));
  }
  EXPECT_EQ(world.study.model().device, "cpu");
  EXPECT_EQ(world.notices.sentences.size(), 1U);
  EXPECT_EQ(world.device->traffic().calls_after_loss, 0);
  EXPECT_EQ(world.study.count(), 15);
}

TEST(StudyDevice, G6_G7_EveryTrialSaysThatMemoryWasShortTheUserHearsItOnce) {
  DeviceStudy world;
  for (int i = 0; i < 8; ++i) (void)world.ask_and_tell();
  for (int i = 0; i < 5; ++i) {
    backend::Faults faults;
    faults.failing_allocation = i;
    faults.all_later_allocations = true;
    world.device->plan(faults);
    const Trial trial = world.ask_and_tell();
    EXPECT_TRUE(mentions(trial.attributes.at("warpbo:degraded"), "out of memory ("));
    EXPECT_TRUE(mentions(trial.attributes.at("warpbo:origin"), "gp/"));
    EXPECT_EQ(world.study.model().device, "cpu");
  }
  EXPECT_EQ(world.notices.count("out of memory"), 1);
  world.device->plan({});
  EXPECT_FALSE(world.ask_and_tell().attributes.contains("warpbo:degraded"));
  EXPECT_EQ(world.study.model().device, "cuda:0");
}

}  // namespace
}  // namespace warpbo::testing
