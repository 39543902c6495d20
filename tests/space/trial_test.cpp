#include <warpbo/trial.hpp>

#include <gtest/gtest.h>

namespace warpbo {
namespace {

TEST(Parameters, TypesAreKeptApart) {
  const Parameters p{{"a", std::int64_t{3}}, {"b", 0.5}, {"c", true}, {"d", std::string("x")}};
  EXPECT_EQ(p.get<int>("a"), 3);
  EXPECT_EQ(p.get<double>("a"), 3.0);
  EXPECT_EQ(p.get<double>("b"), 0.5);
  EXPECT_TRUE(p.get<bool>("c"));
  EXPECT_EQ(p.get<std::string>("d"), "x");
  EXPECT_THROW((void)p.get<bool>("a"), Error);
  EXPECT_THROW((void)p.get<std::int64_t>("b"), Error);
  try {
    (void)p.get<double>("momentum");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_NE(std::string(error.what()).find("momentum"), std::string::npos);
  }
}

TEST(Parameters, SetReplacesInPlace) {
  Parameters p{{"a", 1.0}, {"b", 2.0}};
  p.set("a", 5.0);
  EXPECT_EQ(p.size(), 2U);
  EXPECT_EQ(p.begin()->first, "a");
  EXPECT_EQ(p.get<double>("a"), 5.0);
}

}  // namespace
}  // namespace warpbo
