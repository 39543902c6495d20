#include <warpbo/device.hpp>
#include <warpbo/error.hpp>

#include <gtest/gtest.h>

namespace warpbo {
namespace {

TEST(Device, ParsesAndRefuses) {
  EXPECT_EQ(Device::parse("cuda:1"), Device::cuda(1));
  EXPECT_EQ(Device::parse("auto").name(), "auto");
  for (const char* bad : {"", "gpu", "cuda:", "cuda:-1", "cuda:x"}) EXPECT_THROW((void)Device::parse(bad), Error) << bad;
}

}  // namespace
}  // namespace warpbo
