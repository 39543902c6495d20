// Values from text.
#include "space/testing.hpp"

#include "space/parse.hpp"

namespace warpbo::space {
namespace {

class ParseValue : public ::testing::Test {
 protected:
  ParseValue() {
    space_.real("x", 0, 1);
    space_.integer("n", 0, 1000000);
    space_.categorical("c",
                       std::vector<Value>{std::string("a"), std::string(""), std::string(" a"), 0.1, std::int64_t{3}, true});
    space_.categorical("twins",
                       std::vector<Value>{std::int64_t{1}, std::string("1"), 2.0, std::int64_t{2}, true, std::string("x")});
    space_.boolean("b");
    space_.constant("k", std::string("v"));
  }
  Value parse(const char* name, const std::string& text) const { return parse_value(*space_.find(name), text); }
  std::string refusal(const char* name, const std::string& text) const {
    return error_of([&] { (void)parse(name, text); });
  }
  Space space_;
};

TEST_F(ParseValue, Numbers) {
  EXPECT_EQ(parse("x", "0.25"), Value(0.25));
  EXPECT_EQ(parse("x", " 1e-3 "), Value(1e-3));
  EXPECT_EQ(parse("x", "1"), Value(1.0));
  EXPECT_EQ(parse("n", "25"), Value(std::int64_t{25}));
  EXPECT_EQ(parse("n", "1e5"), Value(std::int64_t{100000}));
  EXPECT_EQ(parse("n", "5.0"), Value(std::int64_t{5}));
  EXPECT_EQ(parse("n", "9007199254740993"), Value((std::int64_t{1} << 53) + 1));  // exact, though out of range for check()
  for (const char* bad : {"", "0,5", "nan", "inf", "0x10", "1e999", "one", "1 2"}) {
    expect_contains(refusal("x", bad), {"\"x\"", "finite number"});
    expect_contains(refusal("n", bad), {"\"n\"", "not an integer"});
  }
  expect_contains(refusal("n", "5.5"), {"\"n\"", "5.5", "fraction"});
  expect_contains(refusal("n", "1e300"), {"\"n\"", "2^53"});
}

TEST_F(ParseValue, ChoicesByLabel) {
  EXPECT_EQ(parse("c", "a"), Value(std::string("a")));
  EXPECT_EQ(parse("c", " a"), Value(std::string(" a")));  // labels are taken as they are
  EXPECT_EQ(parse("c", ""), Value(std::string("")));
  EXPECT_EQ(parse("c", "0.1"), Value(0.1));
  EXPECT_EQ(parse("c", "0.10"), Value(0.1));
  EXPECT_EQ(parse("c", "3"), Value(std::int64_t{3}));
  EXPECT_EQ(parse("c", "3.0"), Value(std::int64_t{3}));
  EXPECT_EQ(parse("c", "true"), Value(true));
  EXPECT_EQ(parse("c", "1"), Value(true));
  EXPECT_EQ(parse("b", "0"), Value(false));
  EXPECT_EQ(parse("b", "false"), Value(false));
  EXPECT_EQ(parse("k", "v"), Value(std::string("v")));
  expect_contains(refusal("c", "A"), {"\"c\"", "\"A\"", "use one of", "\"a\""});
  expect_contains(refusal("b", "2"), {"\"b\"", "true"});
}

TEST_F(ParseValue, S8_AmbiguousLabelsAreRefused) {
  expect_contains(refusal("twins", "1"), {"\"twins\"", "the choice 1", "the choice '1'", "type"});
  expect_contains(refusal("twins", "2"), {"2.0", "the choice 2", "labels differ"});
  EXPECT_EQ(parse("twins", "x"), Value(std::string("x")));
}

}  // namespace
}  // namespace warpbo::space
