// Spaces as JSON: exact round trips and hostile input.
#include "space/testing.hpp"

#include <clocale>
#include <limits>

namespace warpbo::space {
namespace {

constexpr std::int64_t kTwo53 = std::int64_t{1} << 53;

TEST(Json, RoundTripKeepsEveryBit) {
  Space space;
  space.real("tiny", std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max()).log();
  space.real("thirds", -1.0 / 3, 2.0 / 3).step(0.1);
  space.integer("n", -kTwo53, kTwo53).step(3);
  space.integer("l", 1, kTwo53).log();
  space.categorical(
      "c", std::vector<Value>{true, std::int64_t{1}, 1.0, std::string("1"), 0.1 + 0.2, std::numeric_limits<std::int64_t>::max(),
                              std::numeric_limits<std::int64_t>::min(), 1e300});
  space.ordinal("o", {"low", "high"});
  space.constant("k", std::string("\xf0\x9f\x92\xa9\n\""));
  space.boolean("child").when("o == 'high' and n > 5");
  space.constrain("thirds + 1e-20*n <= 0.5");
  const std::string json = space.to_json();
  EXPECT_EQ(json.find('\n'), std::string::npos);
  const Space copy = Space::from_json(json);
  EXPECT_EQ(copy, space);
  EXPECT_EQ(copy.to_json(), json);
}

TEST(Json, RoundTripOfRandomDoubles) {
  Rows rows(2);
  for (int i = 0; i < 2000; ++i) {
    const double a = std::ldexp(rows.uniform() - 0.5, static_cast<int>(rows.uniform() * 2000) - 1000);
    const double b = std::ldexp(rows.uniform() - 0.5, static_cast<int>(rows.uniform() * 2000) - 1000);
    Space space;
    space.real("x", std::min(a, b), std::max(a, b));
    ASSERT_EQ(Space::from_json(space.to_json()), space);
  }
}

TEST(Json, DoesNotDependOnTheLocale) {
  Space space;
  space.real("x", 0.5, 1.25).step(0.25);
  const std::string json = space.to_json();
  const std::string old = std::setlocale(LC_ALL, nullptr);
  if (std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr) GTEST_SKIP() << "no locale with a decimal comma is installed";
  const std::string again = space.to_json();
  const bool same = Space::from_json(json) == space;
  std::setlocale(LC_ALL, old.c_str());
  EXPECT_EQ(again, json);
  EXPECT_TRUE(same);
}

TEST(Json, HostileTextIsRefused) {
  const auto parameter = [](const std::string& fields) { return R"({"version":1,"parameters":[{)" + fields + "}]}"; };
  const std::vector<std::string> bad{
      "",
      "{",
      "null",
      "[]",
      "3",
      "\"x\"",
      "{}",
      R"({"version":1})",
      R"({"parameters":[]})",
      R"({"version":2,"parameters":[]})",
      R"({"version":"1","parameters":[]})",
      R"({"version":1,"parameters":{}})",
      R"({"version":1,"parameters":[3]})",
      R"({"version":1,"parameters":[],"constraints":"x"})",
      R"({"version":1,"parameters":[],"constraints":[3]})",
      R"({"version":1,"parameters":[],"unknown":1})",
      R"({"version":1,"parameters":[],"constraints":["x <= 1"]})",
      parameter(""),
      parameter(R"("name":"x")"),
      parameter(R"("name":3,"kind":"real","low":0,"high":1)"),
      parameter(R"("name":"x","kind":"float","low":0,"high":1)"),
      parameter(R"("name":"x","kind":"real","low":0)"),
      parameter(R"("name":"x","kind":"real","low":"0","high":1)"),
      parameter(R"("name":"x","kind":"real","low":null,"high":1)"),
      parameter(R"("name":"x","kind":"real","low":0,"high":1e999)"),
      parameter(R"("name":"x","kind":"real","low":2,"high":1)"),
      parameter(R"("name":"x","kind":"real","low":0,"high":1,"log":true)"),
      parameter(R"("name":"x","kind":"real","low":0,"high":1,"log":1)"),
      parameter(R"("name":"x","kind":"real","low":0,"high":1,"choices":[1])"),
      parameter(R"("name":"x","kind":"real","low":0,"high":1,"zzz":1)"),
      parameter(R"("name":"n","kind":"integer","low":0.5,"high":1)"),
      parameter(R"("name":"n","kind":"integer","low":0,"high":18446744073709551615)"),
      parameter(R"("name":"n","kind":"integer","low":0,"high":9007199254740993)"),
      parameter(R"("name":"n","kind":"integer","low":0,"high":5,"step":0)"),
      parameter(R"("name":"c","kind":"categorical")"),
      parameter(R"("name":"c","kind":"categorical","choices":[])"),
      parameter(R"("name":"c","kind":"categorical","choices":[null])"),
      parameter(R"("name":"c","kind":"categorical","choices":[[1]])"),
      parameter(R"("name":"c","kind":"categorical","choices":["a","a"])"),
      parameter(R"("name":"c","kind":"categorical","choices":[1],"low":0)"),
      parameter(R"("name":"c","kind":"constant","choices":[1,2])"),
      parameter(R"("name":"","kind":"constant","choices":[1])"),
      parameter(R"("name":"x","kind":"real","low":0,"high":1,"when":"y == 1")"),
      parameter(R"("name":"x","kind":"real","low":0,"high":1,"when":3)"),
      "{\"version\":1,\"parameters\":[{\"name\":\"\xff\"}]}",
      std::string(300000, '['),
      R"({"version":)" + std::string(100000, '[') + std::string(100000, ']') + "}",
      R"({"version":1,"parameters":[)" + std::string(100000, '[') + std::string(100000, ']') + "]}"};
  for (const std::string& json : bad) {
    const std::string message = error_of([&] { (void)Space::from_json(json); });
    EXPECT_LT(message.size(), 1000U) << message;
  }
}

TEST(Json, MutatedTextNeverDoesWorseThanThrow) {
  Space space;
  space.real("lr", 1e-5, 1e-1).log();
  space.integer("width", 16, 256).step(16);
  space.categorical("opt", {"sgd", "adam"});
  space.real("momentum", 0, 0.99).when("opt == 'sgd'");
  space.constrain("lr + 0.001 * width <= 0.2");
  const std::string json = space.to_json();
  Rows rows(17);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = json;
    const int edits = 1 + static_cast<int>(rows.uniform() * 3);
    for (int e = 0; e < edits; ++e) {
      const auto at = static_cast<std::size_t>(rows.uniform() * static_cast<double>(text.size()));
      if (rows.uniform() < 0.5)
        text[at] = json[static_cast<std::size_t>(rows.uniform() * static_cast<double>(json.size()))];
      else if (rows.uniform() < 0.5)
        text.erase(at, 1);
      else
        text.insert(at, 1, static_cast<char>(rows.uniform() * 256));
    }
    try {
      const Space other = Space::from_json(text);
      ++read;
      ASSERT_EQ(Space::from_json(other.to_json()), other) << text;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::invalid_argument) << text;
    }
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace warpbo::space
