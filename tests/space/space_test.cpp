// Declarations: what is refused, with which words, and what is kept exactly.
#include "space/testing.hpp"

#include "space/describe.hpp"

#include <limits>

namespace warpbo::space {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kTwo53 = std::int64_t{1} << 53;

TEST(Space, S1_NoParameterIsRefused) {
  const Space space;
  expect_contains(error_of([&] { space.validate(); }), {"no parameter", "declare"});
  expect_contains(error_of([&] { const Encoder encoder(space); }), {"no parameter"});
}

TEST(Space, S2_OneAndAThousandDimensions) {
  Space one;
  one.real("x", 0, 1);
  EXPECT_EQ(Encoder(one).dimensions(), 1U);
  Space many;
  for (int i = 0; i < 1000; ++i) many.real("x" + std::to_string(i), -1, i);
  const Encoder encoder(many);
  ASSERT_EQ(encoder.dimensions(), 1000U);
  Rows rows(1);
  const std::vector<double> row = rows.wild(encoder);
  const Parameters parameters = encoder.decode(row);
  EXPECT_EQ(many.check(parameters), std::nullopt);
  EXPECT_EQ(encoded(encoder, parameters), snapped(encoder, row));
}

TEST(Space, S3_LowAboveHighIsRefusedAndEqualBoundsAreAConstant) {
  Space space;
  expect_contains(error_of([&] { space.real("lr", 2, 1); }), {"\"lr\"", "low 2", "high 1", "swap"});
  expect_contains(error_of([&] { space.integer("n", 2, 1); }), {"\"n\"", "low 2", "high 1", "swap"});
  EXPECT_TRUE(space.parameters().empty());  // a refused declaration leaves nothing behind
  space.real("a", 0.3, 0.3);
  space.real("logarithmic", 0.3, 0.3).log();
  space.integer("b", 7, 7);
  space.real("x", 0, 1);
  const Encoder encoder(space);
  EXPECT_EQ(encoder.dimensions(), 1U);
  const Parameters trial = encoder.decode(std::vector<double>{0.5});
  EXPECT_EQ(trial, (Parameters{{"a", 0.3}, {"logarithmic", 0.3}, {"b", std::int64_t{7}}, {"x", 0.5}}));
  EXPECT_EQ(space.check(trial), std::nullopt);
}

TEST(Space, S4_LogarithmicRangesMustBePositive) {
  Space space;
  auto x = space.real("lr", 0, 1);
  expect_contains(error_of([&] { x.log(); }), {"\"lr\"", "low > 0", "low is 0", "drop log"});
  auto n = space.integer("n", 0, 10);
  expect_contains(error_of([&] { n.log(); }), {"\"n\"", "low >= 1", "low is 0", "drop log"});
  EXPECT_FALSE(space.parameters()[0].log);
  EXPECT_NO_THROW(space.integer("m", 1, 10).log());
  expect_contains(error_of([&] { space.categorical("c", {"a", "b"}).log(); }), {"\"c\"", "categorical"});
}

TEST(Space, S5_BoundsMustBeFinite) {
  for (const double bad : {kNaN, kInfinity, -kInfinity}) {
    Space space;
    expect_contains(error_of([&] { space.real("x", bad, 1); }), {"\"x\"", "finite"});
    expect_contains(error_of([&] { space.real("x", 0, bad); }), {"\"x\"", "finite"});
    expect_contains(error_of([&] { space.real("s", 0, 1).step(bad); }), {"\"s\"", "step"});
  }
}

TEST(Space, S5_WidthMayOverflow) {
  Space space;
  space.real("x", -1e308, 1e308);
  space.real("stepped", -1e308, 1e308).step(1e300);
  space.real("positive", 5e-324, 1e308).log();
  const Encoder encoder(space);
  EXPECT_EQ(encoder.decode(std::vector<double>{0, 0, 0}),
            (Parameters{{"x", -1e308}, {"stepped", -1e308}, {"positive", 5e-324}}));
  const Parameters top = encoder.decode(std::vector<double>{1, 1, 1});
  EXPECT_EQ(top.get<double>("x"), 1e308);
  EXPECT_NEAR(top.get<double>("stepped"), 1e308, 1e300);
  EXPECT_EQ(top.get<double>("positive"), 1e308);
  EXPECT_EQ(encoder.decode(std::vector<double>{0.5, 0.5, 0.5}).get<double>("x"), 0);
  Rows rows(5);
  for (int i = 0; i < 1000; ++i) {
    const std::vector<double> row = rows.wild(encoder);
    const Parameters trial = encoder.decode(row);
    EXPECT_EQ(space.check(trial), std::nullopt);
    EXPECT_EQ(encoded(encoder, trial), snapped(encoder, row));
  }
}

TEST(Space, S6_RangeNarrowerThanTwoUnitsInTheLastPlace) {
  const double low = 1.0;
  const double high = std::nextafter(1.0, 2.0);
  Space space;
  space.real("x", low, high);
  space.real("y", low, high).log();
  const Encoder encoder(space);
  Rows rows(6);
  for (int i = 0; i < 200; ++i) {
    const std::vector<double> row = rows.wild(encoder);
    const Parameters trial = encoder.decode(row);
    for (const char* name : {"x", "y"}) EXPECT_TRUE(trial.get<double>(name) == low || trial.get<double>(name) == high);
    EXPECT_EQ(encoded(encoder, trial), snapped(encoder, row));
  }
  EXPECT_EQ(encoder.decode(std::vector<double>{1, 1}).get<double>("x"), high);
}

TEST(Space, S6_StepLargerThanTheWidthLeavesLow) {
  Space space;
  space.real("x", 0.25, 1).step(2);
  space.integer("n", 3, 5).step(10);
  const Encoder encoder(space);
  EXPECT_EQ(encoder.dimensions(), 0U);
  EXPECT_EQ(encoder.decode({}), (Parameters{{"x", 0.25}, {"n", std::int64_t{3}}}));
  EXPECT_EQ(space.cardinality(), 1);
}

TEST(Space, S6_StepThatDoesNotDivideTheRange) {
  Space space;
  space.real("x", 0, 1).step(0.3);
  space.integer("n", 16, 250).step(16);
  const Encoder encoder(space);
  EXPECT_EQ(encoder.columns()[0].levels, 4);  // 0, 0.3, 0.6, 0.9
  const Parameters top = encoder.decode(std::vector<double>{1, 1});
  EXPECT_EQ(top.get<double>("x"), std::fma(3.0, 0.3, 0.0));
  EXPECT_EQ(top.get<int>("n"), 240);
  expect_contains(space.check({{"x", 1.0}, {"n", std::int64_t{240}}}).value_or(""), {"\"x\"", "1", "step 0.3"});
  expect_contains(space.check({{"x", 0.3}, {"n", std::int64_t{250}}}).value_or(""), {"\"n\"", "250", "step 16"});
}

TEST(Space, S6_DecimalStepsReachTheDeclaredHighExactly) {
  // 3 * 0.1 is 0.30000000000000004 in doubles, above the declared 0.3.
  Space space;
  space.real("x", 0, 0.3).step(0.1);
  const Encoder encoder(space);
  EXPECT_EQ(encoder.columns()[0].levels, 4);
  EXPECT_EQ(encoder.decode(std::vector<double>{1}).get<double>("x"), 0.3);
  Space longer;
  longer.real("x", 0, 1).step(0.1);
  EXPECT_EQ(longer.check({{"x", 0.3}}), std::nullopt);  // what a person writes for 3 * 0.1
  EXPECT_NE(longer.check({{"x", 0.31}}), std::nullopt);
}

TEST(Space, S6_StepsTooFineAreRefused) {
  Space space;
  expect_contains(error_of([&] { space.real("x", 1e17, 2e17).step(1); }), {"\"x\"", "step 1", "larger step"});
  expect_contains(error_of([&] { space.real("y", 0, 1).step(1e-17); }), {"\"y\"", "larger step"});
  expect_contains(error_of([&] { space.real("z", 0, 1).step(0); }), {"\"z\"", "positive"});
  expect_contains(error_of([&] { space.integer("n", 0, 9).step(0.5); }), {"\"n\"", "0.5", "integer"});
}

TEST(Space, S7_IntegersBeyondTwoTo53AreRefused) {
  Space space;
  for (const std::int64_t bad :
       {kTwo53 + 1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    const std::int64_t low = std::min<std::int64_t>(bad, 0);
    expect_contains(error_of([&] { space.integer("n", low, std::max<std::int64_t>(bad, 0)); }),
                    {"\"n\"", std::to_string(bad), "2^53"});
  }
  EXPECT_NO_THROW(space.integer("n", -kTwo53, kTwo53));
}

TEST(Space, S8_ChoicesOfEveryType) {
  Space space;
  const std::vector<Value> choices{std::int64_t{1},         1.0,
                                   std::string("1"),        true,
                                   std::string("true"),     std::string(""),
                                   std::string("a\nb"),     std::string("\xf0\x9f\x92\xa9"),
                                   std::string(65536, 'x'), -0.0};
  space.categorical("c", choices);
  const Encoder encoder(space);
  ASSERT_EQ(encoder.columns()[0].levels, 10);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Parameters trial = encoder.decode(std::vector<double>{static_cast<double>(i)});
    EXPECT_EQ(trial.at("c").index(), choices[i].index());
    EXPECT_EQ(trial.at("c"), choices[i]);
    EXPECT_EQ(encoded(encoder, trial), std::vector<double>{static_cast<double>(i)});
    EXPECT_EQ(space.check(trial), std::nullopt);
  }
  EXPECT_FALSE(std::signbit(std::get<double>(space.parameters()[0].choices[9])));
  EXPECT_EQ(Space::from_json(space.to_json()), space);
}

TEST(Space, S8_OneLevelIsAConstant) {
  Space space;
  space.categorical("c", {"only"});
  space.constant("k", std::int64_t{3});
  space.boolean("b");
  const Encoder encoder(space);
  EXPECT_EQ(encoder.dimensions(), 1U);
  EXPECT_EQ(encoder.decode(std::vector<double>{1}),
            (Parameters{{"c", std::string("only")}, {"k", std::int64_t{3}}, {"b", true}}));
}

TEST(Space, S8_DuplicatesAndBrokenTextAreRefused) {
  Space space;
  expect_contains(error_of([&] { space.categorical("c", {"a", "b", "a"}); }), {"\"c\"", "\"a\"", "twice"});
  expect_contains(error_of([&] { space.categorical("c", std::vector<Value>{0.0, -0.0}); }), {"twice"});
  expect_contains(error_of([&] { space.categorical("c", std::vector<Value>{}); }), {"at least one choice"});
  expect_contains(error_of([&] { space.categorical("c", {"\xff"}); }), {"UTF-8"});
  expect_contains(error_of([&] { space.ordinal("o", std::vector<Value>{1.0, kNaN}); }), {"\"o\"", "finite"});
}

TEST(Space, S8_HundredThousandLevels) {
  Space space;
  std::vector<Value> choices;
  for (int i = 0; i < 100000; ++i) choices.emplace_back("level " + std::to_string(i));
  space.categorical("c", choices);
  const Encoder encoder(space);
  std::vector<double> row(1);
  for (int i = 0; i < 100000; ++i) {
    ASSERT_TRUE(encoder.encode({{"c", choices[static_cast<std::size_t>(i)]}}, row));
    ASSERT_EQ(row[0], i);
  }
  EXPECT_EQ(Space::from_json(space.to_json()), space);
  const std::string message = space.check({{"c", std::string("level x")}}).value_or("");
  expect_contains(message, {"\"c\"", "\"level x\"", "100000 in all"});
  EXPECT_LT(message.size(), 1000U);
}

TEST(Space, S9_CountsFiniteSpaces) {
  Space space;
  space.constant("k", true);
  EXPECT_EQ(space.cardinality(), 1);
  space.integer("n", 1, 10).step(2);  // 1 3 5 7 9
  space.real("x", 0, 1).step(0.25);   // 5 values
  space.boolean("b");
  EXPECT_EQ(space.cardinality(), 50);
  Space all = space;
  space.real("r", 0, 1);
  EXPECT_EQ(space.cardinality(), std::nullopt);
  all.integer("m", -kTwo53, kTwo53);
  EXPECT_EQ(all.cardinality(), 50 * (2 * kTwo53 + 1));
  all.integer("l", 0, 10000);
  EXPECT_EQ(all.cardinality(), std::nullopt);  // beyond 2^62
}

TEST(Space, S10_CountsConditionalSpaces) {
  Space space;
  space.categorical("opt", {"sgd", "adam", "lion"});
  space.integer("momentum", 0, 9).when("opt == 'sgd'");
  space.boolean("nesterov").when("momentum >= 5");
  space.boolean("amsgrad").when("opt", std::string("adam"));
  // sgd: 5 momenta without and 5 with nesterov's two values; adam: 2; lion: 1.
  EXPECT_EQ(space.cardinality(), (5 + 5 * 2) + 2 + 1);
  const Encoder encoder(space);
  std::vector<std::vector<double>> seen;
  Rows rows(10);
  for (int i = 0; i < 5000; ++i) seen.push_back(snapped(encoder, rows.wild(encoder)));
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(seen.size(), 18U);
}

TEST(Space, S13_DifferencesAreNamed) {
  Space stored;
  stored.real("lr", 1e-5, 1e-1).log();
  stored.categorical("opt", {"sgd", "adam"});
  stored.integer("gone", 1, 2);
  stored.constrain("lr + gone <= 3");
  EXPECT_TRUE(differences(stored, stored).empty());
  Space asked;
  asked.real("lr", 1e-5, 1).log();
  asked.categorical("opt", {"sgd", "adam", "lion"});
  asked.boolean("fresh");
  const std::vector<std::string> found = differences(stored, asked);
  ASSERT_EQ(found.size(), 5U);
  expect_contains(found[0], {"\"lr\"", "real 1e-05 .. 0.1, log", "real 1e-05 .. 1, log"});
  expect_contains(found[1], {"\"opt\"", "added: \"lion\""});
  expect_contains(found[2], {"\"gone\"", "absent"});
  expect_contains(found[3], {"\"fresh\"", "not stored"});
  expect_contains(found[4], {"lr + gone <= 3", "absent"});
  Space reordered;
  reordered.categorical("opt", {"adam", "sgd"});
  Space ordered;
  ordered.categorical("opt", {"sgd", "adam"});
  expect_contains(differences(ordered, reordered).at(0), {"another order"});
}

TEST(Space, S14_Names) {
  Space space;
  for (const char* good : {"__proto__", "../../x", "=cmd()", "\xc3\xa9\xe2\x9c\x93", "a b", "1", "and", "`", "a'b"}) {
    EXPECT_NO_THROW(space.real(good, 0, 1)) << good;
  }
  EXPECT_NO_THROW(space.real(std::string(200, 'n'), 0, 1));
  EXPECT_EQ(Space::from_json(space.to_json()), space);
  expect_contains(error_of([&] { space.real("__proto__", 0, 1); }), {"\"__proto__\"", "twice"});
  expect_contains(error_of([&] { space.real("", 0, 1); }), {"empty"});
  expect_contains(error_of([&] { space.real(std::string(201, 'n'), 0, 1); }), {"201 bytes", "200"});
  expect_contains(error_of([&] { space.real("a\nb", 0, 1); }), {"\"a\\nb\"", "control"});
  expect_contains(error_of([&] { space.real("a\xc2\x85", 0, 1); }), {"control"});
  expect_contains(error_of([&] { space.real(std::string("a\0b", 3), 0, 1); }), {"control"});
  expect_contains(error_of([&] { space.real(" a", 0, 1); }), {"space"});
  expect_contains(error_of([&] { space.real("a ", 0, 1); }), {"space"});
  expect_contains(error_of([&] { space.real("\xc3(", 0, 1); }), {"UTF-8"});
  // Every name can be used in a condition and a constraint, in backticks if it is no identifier.
  space.constrain("`../../x` + `a b` + ```` <= 1.5");
  space.boolean("child").when("`and` >= 0.5 and `=cmd()` < 0.5");
  EXPECT_NO_THROW(space.validate());
}

TEST(Space, MinusZeroIsZero) {
  Space space;
  space.real("x", -0.0, 1);
  EXPECT_FALSE(std::signbit(space.parameters()[0].low));
  EXPECT_FALSE(std::signbit(Encoder(space).decode(std::vector<double>{-0.0}).get<double>("x")));
}

TEST(Space, CopiesAreIndependent) {
  Space a;
  a.real("x", 0, 1);
  Space b = a;
  EXPECT_EQ(a, b);
  b.real("y", 0, 1);
  EXPECT_FALSE(a == b);
  a = b;
  EXPECT_EQ(a, b);
  const Space moved = std::move(a);
  EXPECT_EQ(moved, b);
}

TEST(Space, CheckNamesParameterValueAndFix) {
  Space space;
  space.real("lr", 1e-5, 0.1).log();
  space.integer("n", 1, 5);
  space.categorical("c", std::vector<Value>{std::int64_t{1}, std::string("two")});
  const auto check = [&](const Parameters& parameters) { return space.check(parameters).value_or(""); };
  const Value one = std::int64_t{1};
  EXPECT_EQ(check({{"lr", 0.01}, {"n", 2.0}, {"c", one}}), "");  // an integral double for an integer
  expect_contains(check({{"lr", 0.2}, {"n", one}, {"c", one}}), {"\"lr\"", "0.2", "1e-05 .. 0.1"});
  expect_contains(check({{"lr", kNaN}, {"n", one}, {"c", one}}), {"\"lr\"", "nan"});
  expect_contains(check({{"lr", 0.01}, {"n", 2.5}, {"c", one}}), {"\"n\"", "2.5", "1 .. 5"});
  expect_contains(check({{"lr", 0.01}, {"n", true}, {"c", one}}), {"\"n\"", "not a number"});
  expect_contains(check({{"lr", 0.01}, {"n", one}, {"c", std::string("1")}}), {"\"c\"", "another type"});
  expect_contains(check({{"lr", 0.01}, {"n", one}, {"c", std::string("three")}}), {"\"c\"", "\"three\"", "\"two\""});
  expect_contains(check({{"lr", 0.01}, {"n", one}}), {"\"c\"", "no value"});
  expect_contains(check({{"lr", 0.01}, {"n", one}, {"c", one}, {"x", 1.0}}), {"\"x\"", "no parameter"});
}

TEST(Space, DescribesInOneLine) {
  Space space;
  space.real("lr", 1e-5, 1e-1).log();
  space.integer("width", 16, 256).step(16);
  space.categorical("opt", {"sgd", "adam"});
  space.real("momentum", 0, 0.99).when("opt == 'sgd'");
  EXPECT_EQ(describe(space.parameters()[0]), "lr: real 1e-05 .. 0.1, log");
  EXPECT_EQ(describe(space.parameters()[1]), "width: integer 16 .. 256, step 16");
  EXPECT_EQ(describe(space.parameters()[2]), "opt: categorical \"sgd\", \"adam\"");
  EXPECT_EQ(describe(space.parameters()[3]), "momentum: real 0 .. 0.99, when opt == 'sgd'");
}

}  // namespace
}  // namespace warpbo::space
