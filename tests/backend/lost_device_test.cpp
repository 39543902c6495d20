#include "backend/lost_device.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace warpbo::backend {
namespace {

TEST(LostDevice, G8_TheFirstReasonIsKeptAndOtherDevicesAreNotConcerned) {
  EXPECT_FALSE(lost_reason("test:0"));
  mark_lost("test:0", "an illegal memory access");
  mark_lost("test:0", "something that followed from it");
  EXPECT_EQ(lost_reason("test:0"), "an illegal memory access");
  EXPECT_FALSE(lost_reason("test:1"));
}

TEST(LostDevice, G8_ManyThreadsMayReportAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([t] {
      for (int device = 0; device < 100; ++device) mark_lost("many:" + std::to_string(device), std::to_string(t));
    });
  for (std::thread& thread : threads) thread.join();
  for (int device = 0; device < 100; ++device) EXPECT_TRUE(lost_reason("many:" + std::to_string(device)));
}

}  // namespace
}  // namespace warpbo::backend
