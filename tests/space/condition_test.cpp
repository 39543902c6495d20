// Conditional parameters.
#include "space/testing.hpp"

#include "space/spec.hpp"

namespace warpbo::space {
namespace {

Space parents() {
  Space space;
  space.categorical("opt", {"sgd", "adam", "lion"});
  space.integer("layers", 1, 4);
  space.real("x", 0, 1);
  space.ordinal("size", {"small", "medium", "large"});
  space.boolean("flag");
  space.real("half", 0, 1).step(0.5);
  space.real("low rank", 0, 1);
  return space;
}

Parameters values(const std::string& opt, std::int64_t layers, double x, const std::string& size, bool flag, double half) {
  return {{"opt", opt}, {"layers", layers}, {"x", x}, {"size", size}, {"flag", flag}, {"half", half}, {"low rank", 0.5}};
}

/// Whether a parameter under this condition exists beside the given values; check() and the encoder must agree.
bool exists(const std::string& condition, const Parameters& given) {
  Space space = parents();
  space.real("child", 2, 3).when(condition);
  Parameters with = given;
  with.set("child", 2.5);
  const bool by_check = !space.check(with).has_value();
  EXPECT_EQ(space.check(given).has_value(), by_check) << condition;
  const Encoder encoder(space);
  const std::vector<double> row = encoded(encoder, with);
  std::vector<unsigned char> active(encoder.dimensions());
  encoder.activity(row, active);
  EXPECT_EQ(active.back() != 0, by_check) << condition;
  EXPECT_EQ(encoder.decode(row).contains("child"), by_check) << condition;
  return by_check;
}

TEST(Condition, EveryComparison) {
  const Parameters given = values("adam", 2, 0.5, "medium", true, 0.5);
  for (const char* yes : {"opt == 'adam'",
                          "opt == \"adam\"",
                          "opt != 'sgd'",
                          "opt in ['sgd', 'adam']",
                          "layers == 2",
                          "layers >= 2",
                          "layers <= 2",
                          "layers > 1",
                          "layers < 3",
                          "layers != 3",
                          "layers in [1,2]",
                          "layers > 1.5",
                          "layers == 2.0",
                          "x <= 0.5",
                          "x >= 5e-1",
                          "x < 0.51",
                          "x > -1",
                          "size >= 'medium'",
                          "size < 'large'",
                          "size == 'medium'",
                          "flag == true",
                          "flag != false",
                          "half == 0.5",
                          "half in [0.5, 1]",
                          "half <= 0.5",
                          "opt == 'adam' and layers >= 2 and x < 1",
                          "layers >= 1 and layers <= 2",
                          "`low rank` > 0.4"})
    EXPECT_TRUE(exists(yes, given)) << yes;
  for (const char* no : {"opt == 'sgd'", "opt != 'adam'", "opt in ['sgd', 'lion']", "layers == 3", "layers > 2", "layers < 2",
                         "x < 0.5", "x > 0.5", "size > 'medium'", "size == 'large'", "flag == false", "half > 0.5",
                         "half != 0.5", "opt == 'adam' and layers >= 3", "layers in [1, 3, 4]", "`low rank` < 0.4"})
    EXPECT_FALSE(exists(no, given)) << no;
}

std::string refusal(const std::string& condition) {
  Space space = parents();
  auto child = space.real("child", 2, 3);
  return error_of([&] { child.when(condition); });
}

TEST(Condition, S11_UnknownParentSelfAndCycle) {
  expect_contains(refusal("optimizer == 'sgd'"), {"\"child\"", "\"optimizer\"", "position 1", "declared before"});
  expect_contains(refusal("child > 2.5"), {"itself"});
  Space space;
  auto a = space.real("a", 0, 1);
  space.real("b", 0, 1).when("a > 0.5");
  expect_contains(error_of([&] { a.when("b > 0.5"); }), {"\"a\"", "\"b\"", "declare it first", "depend on each other"});
  EXPECT_EQ(space.parameters()[0].condition, "");  // a refused condition leaves nothing behind
}

TEST(Condition, S11_CycleInJsonIsRefused) {
  const std::string json =
      R"({"version":1,"parameters":[{"name":"a","kind":"real","low":0.0,"high":1.0,"when":"b > 0.5"},{"name":"b","kind":"real","low":0.0,"high":1.0,"when":"a > 0.5"}]})";
  expect_contains(error_of([&] { (void)Space::from_json(json); }), {"\"a\"", "\"b\""});
}

TEST(Condition, WhatCanNeverHoldIsRefused) {
  expect_contains(refusal("opt == 'sgdd'"), {"'sgdd'", "\"sgd\", \"adam\", \"lion\"", "position 8"});
  expect_contains(refusal("opt in ['sgd', 'x']"), {"'x'", "position 16"});
  expect_contains(refusal("layers == 9"), {"9", "1 .. 4"});
  expect_contains(refusal("layers > 4"), {"never", "1 .. 4"});
  expect_contains(refusal("x > 1"), {"never"});
  expect_contains(refusal("x < 0"), {"never"});
  expect_contains(refusal("half == 0.7"), {"0.7", "steps of 0.5"});
  expect_contains(refusal("layers > 2 and layers < 3"), {"\"layers\"", "together"});
  expect_contains(refusal("x > 0.5 and x < 0.5"), {"\"x\"", "together"});
}

TEST(Condition, TypesAreCompared) {
  expect_contains(refusal("opt == 1"), {"1 is not a value", "\"opt\""});
  expect_contains(refusal("layers == '2'"), {"'2' is not a value", "\"layers\""});
  expect_contains(refusal("layers == true"), {"true is not a value"});
  expect_contains(refusal("opt < 'sgd'"), {"no order", "ordinal"});
  expect_contains(refusal("x == 0.5"), {"probability 0", "<="});
  expect_contains(refusal("x in [0.5]"), {"probability 0"});
}

TEST(Condition, SyntaxErrorsSayWhereAndWhat) {
  expect_contains(refusal(""), {"position 1", "name of a parameter", "the end"});
  expect_contains(refusal("opt"), {"position 4", "=="});
  expect_contains(refusal("opt = 'sgd'"), {"position 5", "==", "\"=\""});
  expect_contains(refusal("opt == sgd"), {"position 8", "quotes", "'sgd'"});
  expect_contains(refusal("opt == 'sgd"), {"position 8", "not closed"});
  expect_contains(refusal("opt == 'sgd' or layers > 1"), {"position 14", "no `or`", "in ["});
  expect_contains(refusal("opt == 'sgd' layers"), {"position 14", "`and`"});
  expect_contains(refusal("opt in 'sgd'"), {"position 8", "["});
  expect_contains(refusal("opt in ['sgd'"), {"]"});
  expect_contains(refusal("opt in []"), {"position 9"});
  expect_contains(refusal("layers > 1e999"), {"range of doubles"});
  expect_contains(refusal("layers > -"), {"number after the sign"});
  expect_contains(refusal("opt == 'a\\q'"), {"escape"});
  expect_contains(refusal("opt & 'a'"), {"position 5", "\"&\""});
  expect_contains(refusal("low rank > 0"), {"position 1", "\"low\""});
  expect_contains(refusal("`low rank > 0"), {"backtick"});
}

TEST(Condition, BuilderQuotesNamesAndLabels) {
  const std::vector<Value> labels{std::string("it's \"x\" \\ \n \xf0\x9f\x92\xa9"),
                                  std::string(""),
                                  std::int64_t{-3},
                                  2.5,
                                  1e300,
                                  true,
                                  std::string("true")};
  Space space;
  space.categorical("a `odd` name", labels);
  for (std::size_t i = 0; i < labels.size(); ++i) space.real("x" + std::to_string(i), 0, 1).when("a `odd` name", labels[i]);
  const Space copy = Space::from_json(space.to_json());
  EXPECT_EQ(copy, space);
  const Encoder encoder(copy);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::vector<double> row(encoder.dimensions(), 0.25);
    row[0] = static_cast<double>(i);
    const Parameters trial = encoder.decode(row);
    ASSERT_EQ(trial.size(), 2U);
    EXPECT_TRUE(trial.contains("x" + std::to_string(i)));
  }
}

TEST(Condition, NestedAbsenceIsInherited) {
  Space space;
  space.categorical("opt", {"sgd", "adam"});
  space.real("momentum", 0, 1).when("opt == 'sgd'");
  space.boolean("nesterov").when("momentum > 0.2");
  space.constant("variant", std::string("n")).when("nesterov == true");
  space.real("tail", 0, 1).when("variant == 'n'");
  const Encoder encoder(space);
  ASSERT_EQ(encoder.dimensions(), 4U);  // the constant has no column
  EXPECT_EQ(encoder.decode(std::vector<double>{0, 0.5, 1, 0.5}).size(), 5U);
  EXPECT_EQ(encoder.decode(std::vector<double>{0, 0.5, 0, 0.5}).size(), 3U);
  EXPECT_EQ(encoder.decode(std::vector<double>{0, 0.1, 1, 0.5}).size(), 2U);
  // momentum's entry, 0.5 when absent, must not count as a momentum above 0.2
  EXPECT_EQ(encoder.decode(std::vector<double>{1, 0.5, 1, 0.5}), (Parameters{{"opt", std::string("adam")}}));
  EXPECT_EQ(snapped(encoder, {1, 0.9, 1, 0.9}), (std::vector<double>{1, 0.5, -1, 0.5}));
  EXPECT_EQ(encoded(encoder, {{"opt", std::string("adam")}}), (std::vector<double>{1, 0.5, -1, 0.5}));
  expect_contains(space.check({{"opt", std::string("adam")}, {"momentum", 0.5}}).value_or(""),
                  {"\"momentum\"", "opt == 'sgd'", "leave it out"});
  expect_contains(space.check({{"opt", std::string("sgd")}}).value_or(""), {"\"momentum\"", "no value"});
}

TEST(Condition, ContradictionWithTheParentsOwnConditionIsRefused) {
  Space space;
  space.categorical("opt", {"sgd", "adam"});
  space.real("momentum", 0, 1).when("opt == 'sgd'");
  space.real("never", 0, 1).when("momentum > 0.5 and opt == 'adam'");
  expect_contains(error_of([&] { space.validate(); }), {"\"never\"", "\"opt\"", "never hold"});
}

TEST(Condition, ParentChangedAfterwardsIsFoundByValidate) {
  Space space;
  auto x = space.real("x", 0, 1);
  space.real("y", 0, 1).when("x > 0.9");
  x.step(0.4);  // 0, 0.4, 0.8
  expect_contains(error_of([&] { space.validate(); }), {"\"y\"", "never"});
}

TEST(Condition, DeepChainsCompileQuickly) {
  Space space;
  space.integer("p0", 0, 9);
  for (int i = 1; i < 300; ++i) space.integer("p" + std::to_string(i), 0, 9).when("p" + std::to_string(i - 1) + " >= 1");
  const Encoder encoder(space);
  EXPECT_EQ(encoder.decode(std::vector<double>(300, 1.0)).size(), 300U);
  EXPECT_EQ(encoder.decode(std::vector<double>(300, 0.0)).size(), 1U);
}

}  // namespace
}  // namespace warpbo::space
