// Properties of encode, decode and snap.
#include "space/testing.hpp"

#include "base/text.hpp"
#include "space/domain.hpp"
#include "space/spec.hpp"

namespace warpbo::space {
namespace {

constexpr std::int64_t kTwo53 = std::int64_t{1} << 53;

/// Spaces of random shape: all kinds, extreme ranges, nested conditions, sometimes constraints.
class RandomSpace {
 public:
  explicit RandomSpace(std::uint64_t seed) : rows_(seed) {}

  Space make() {
    Space space;
    const int size = 1 + static_cast<int>(rows_.uniform() * 8);
    for (int i = 0; i < size; ++i) {
      add(space, "p" + std::to_string(i));
      if (i > 0 && rows_.uniform() < 0.4) condition(space, i);
    }
    if (rows_.uniform() < 0.3) constraint(space);
    return space;
  }

 private:
  double uniform() { return rows_.uniform(); }
  double magnitude() { return std::exp((uniform() * 2 - 1) * (uniform() < 0.2 ? 600 : 15)); }
  std::int64_t whole(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(rows_.engine());
  }

  void add(Space& space, const std::string& name) {
    const int kind = static_cast<int>(uniform() * 9);
    const double low = (uniform() < 0.5 ? -1 : 1) * magnitude() * (uniform() < 0.2 ? 0 : 1);
    const double width = magnitude() * (uniform() < 0.3 ? std::abs(low) * 1e-14 : 1);
    if (kind == 0 || kind == 1) return void(space.real(name, low, low + width));
    if (kind == 2)
      return void(
          space.real(name, std::abs(low) + 1e-300, std::min((std::abs(low) + 1e-300) * (1 + magnitude()), 1e300)).log());
    if (kind == 3) {
      const double high = std::abs(low) + width + 1e-300;
      return void(space.real(name, -high, high).step(high * (0.001 + uniform())));
    }
    const std::int64_t reach = uniform() < 0.3 ? kTwo53 : uniform() < 0.5 ? 1000000 : 20;
    if (kind == 4) {
      const std::int64_t a = whole(-reach, reach);
      return void(space.integer(name, a, whole(a, reach)).step(static_cast<double>(whole(1, 5))));
    }
    if (kind == 5) {
      const std::int64_t a = whole(1, std::max<std::int64_t>(1, reach / 1000));
      return void(space.integer(name, a, whole(a, reach)).log());
    }
    if (kind == 6) return void(space.real(name, 1, 1 + std::min(magnitude(), 1e9)).log().step(0.25));
    std::vector<Value> choices{std::int64_t{1}, std::string("1"), true, 1.0, 0.5};
    choices.resize(static_cast<std::size_t>(whole(1, 5)));
    kind == 7 ? space.categorical(name, choices) : space.ordinal(name, choices);
  }

  void condition(Space& space, int i) {
    const auto parent = static_cast<std::size_t>(whole(0, i - 1));
    const Domain domain(space.parameters()[parent]);
    std::string text = "p" + std::to_string(parent);
    if (domain.continuous())
      text += " >= " + literal(domain.value(uniform()));
    else
      text += " == " + literal(domain.value_at(domain.level(domain.from_uniform(uniform()))));
    ParameterSpec spec = space.parameters().back();
    Space trial = space;
    // Some conditions contradict those of their parents; the space is then left as it is.
    Space extended;
    for (std::size_t k = 0; k + 1 < space.parameters().size(); ++k) extended.add(space.parameters()[k]);
    spec.condition = text;
    extended.add(spec);
    try {
      extended.validate();
      space = extended;
    } catch (const Error&) {
      SUCCEED();
    }
  }

  void constraint(Space& space) {
    std::string sum;
    double middle = 0;
    for (const ParameterSpec& spec : space.parameters()) {
      if (spec.kind != ParameterKind::real && spec.kind != ParameterKind::integer) continue;
      const Domain domain(spec);
      if (std::abs(domain.high()) > 1e100 || domain.high() - domain.low() < 1e-9 * std::abs(domain.high())) continue;
      const double largest = std::max(std::abs(domain.low()), std::abs(domain.high()));
      if (largest < 1e-100) continue;
      const double coefficient = (uniform() < 0.5 ? 1 : -1) / largest;
      sum += (sum.empty() ? "" : " + ") + text::format_number(coefficient) + " * " + spec.name;
      middle += coefficient * domain.smooth_number(0.5);
    }
    if (sum.empty()) return;
    Space extended = space;
    extended.constrain(sum + (uniform() < 0.3 ? " == " : " <= ") + text::format_number(middle));
    try {
      extended.validate();
      space = extended;
    } catch (const Error&) {
      SUCCEED();
    }
  }

  Rows rows_;
};

TEST(Encoder, RandomSpacesTimesRandomRows) {
  int constrained = 0;
  int conditional = 0;
  int feasible = 0;
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    const Space space = RandomSpace(seed).make();
    const Encoder encoder(space);
    constrained += encoder.constrained();
    conditional += encoder.conditional();
    Rows rows(seed);
    for (int i = 0; i < 40; ++i) {
      const std::vector<double> row = rows.wild(encoder);
      const std::vector<double> once = snapped(encoder, row);
      const Parameters trial = encoder.decode(row);
      ASSERT_EQ(snapped(encoder, once), once) << "snap is a projection; " << space.to_json();
      ASSERT_EQ(encoded(encoder, trial), once) << "encode(decode) is snap; " << space.to_json();
      ASSERT_EQ(encoder.decode(once), trial) << "snapping does not change the trial; " << space.to_json();
      const auto reason = space.check(trial);
      if (encoder.feasible(once)) {
        feasible += encoder.constrained();
        ASSERT_EQ(reason, std::nullopt) << space.to_json();
      } else {
        ASSERT_TRUE(reason.has_value());
        ASSERT_NE(reason->find("constraint"), std::string::npos) << *reason << space.to_json();
      }
    }
  }
  // The generator must reach what it is meant to test.
  EXPECT_GT(constrained, 100);
  EXPECT_GT(conditional, 200);
  EXPECT_GT(feasible, 500);
}

TEST(Encoder, DecodingIsMonotonic) {
  for (std::uint64_t seed = 0; seed < 800; ++seed) {
    const Space space = RandomSpace(seed).make();
    for (const ParameterSpec& spec : space.parameters()) {
      const Domain domain(spec);
      if (!domain.numeric() || domain.single()) continue;
      Rows rows(seed);
      std::vector<double> entries = rows.uniforms(60);
      std::sort(entries.begin(), entries.end());
      for (std::size_t i = 1; i < entries.size(); ++i) ASSERT_LE(domain.number(entries[i - 1]), domain.number(entries[i]));
      ASSERT_EQ(domain.number(0), domain.low());
      ASSERT_EQ(domain.number(1), domain.high());
    }
  }
}

TEST(Encoder, S7_IntegersAreExactOverTheWholeRange) {
  for (const auto& [low, high] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, kTwo53}, {-kTwo53, 0}, {-kTwo53 / 2, kTwo53 / 2}, {-7, kTwo53 - 8}, {12345, kTwo53}}) {
    Space space;
    space.integer("n", low, high);
    const Encoder encoder(space);
    std::mt19937_64 engine(7);
    for (int i = 0; i < 20000; ++i) {
      std::int64_t n = std::uniform_int_distribution<std::int64_t>(low, high)(engine);
      if (i < 100) n = low + i;
      if (i >= 100 && i < 200) n = high - (i - 100);
      const std::vector<double> row = encoded(encoder, {{"n", n}});
      ASSERT_EQ(encoder.decode(row).get<std::int64_t>("n"), n);
      ASSERT_EQ(snapped(encoder, row), row);
      ASSERT_EQ(encoder.nearest_level(0, row[0]), n - low);
      ASSERT_EQ(encoder.level_value(0, n - low), row[0]);
    }
  }
}

TEST(Encoder, S7_FullWidthKeepsTheDomain) {
  // 2^54 + 1 integers do not fit into the doubles of [0, 1], so neighbours share entries; what is decoded stays in the domain.
  Space space;
  space.integer("n", -kTwo53, kTwo53);
  const Encoder encoder(space);
  EXPECT_EQ(encoder.decode(std::vector<double>{0}).get<std::int64_t>("n"), -kTwo53);
  EXPECT_EQ(encoder.decode(std::vector<double>{1}).get<std::int64_t>("n"), kTwo53);
  for (std::int64_t n : {-kTwo53 + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, kTwo53 - 1}) {
    EXPECT_EQ(space.check({{"n", n}}), std::nullopt);
    const std::int64_t back = encoder.decode(encoded(encoder, {{"n", n}})).get<std::int64_t>("n");
    EXPECT_LE(std::abs(back - n), 1);
  }
  EXPECT_EQ(Space::from_json(space.to_json()), space);
}

TEST(Encoder, S7_LogarithmicIntegersAreExact) {
  Space space;
  space.integer("n", 1, 100000).log();
  space.integer("big", 1, std::int64_t{1} << 44).log();
  space.integer("stepped", 3, 100000).log().step(7);
  const Encoder encoder(space);
  std::mt19937_64 engine(8);
  for (std::int64_t n = 1; n <= 100000; ++n) {
    const std::int64_t big = std::uniform_int_distribution<std::int64_t>(1, std::int64_t{1} << 44)(engine);
    const std::int64_t stepped = 3 + 7 * (n % 14286);
    const Parameters trial{{"n", n}, {"big", big}, {"stepped", stepped}};
    ASSERT_EQ(encoder.decode(encoded(encoder, trial)), trial);
  }
}

TEST(Encoder, SteppedRealsAreTheNearestDoubles) {
  Space space;
  space.real("x", -1, 2).step(0.1);
  const Encoder encoder(space);
  ASSERT_EQ(encoder.columns()[0].levels, 31);
  for (std::int64_t k = 0; k < 31; ++k) {
    const double x = encoder.decode(std::vector<double>{encoder.level_value(0, k)}).get<double>("x");
    EXPECT_EQ(x, std::min(static_cast<double>(-1.0L + static_cast<long double>(k) * static_cast<long double>(0.1)), 2.0));
    EXPECT_EQ(encoder.nearest_level(0, encoder.level_value(0, k)), k);
  }
}

TEST(Encoder, LogarithmicMiddleIsTheGeometricMean) {
  Space space;
  space.real("lr", 1e-5, 1e-1).log();
  const Encoder encoder(space);
  EXPECT_NEAR(encoder.decode(std::vector<double>{0.5}).get<double>("lr"), 1e-3, 1e-17);
  EXPECT_NEAR(encoded(encoder, {{"lr", 1e-4}})[0], 0.25, 1e-14);
}

TEST(Encoder, ForeignValuesAreClampedOrRefused) {
  Space space;
  space.real("x", 0, 1);
  space.integer("n", 0, 10).step(2);
  space.categorical("c", {"a", "b"});
  const Encoder encoder(space);
  const Value a = std::string("a");
  EXPECT_EQ(encoded(encoder, {{"x", 7.0}, {"n", std::int64_t{-3}}, {"c", a}}), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(encoded(encoder, {{"c", a}, {"n", 5.0}, {"x", std::int64_t{1}}}), (std::vector<double>{1, 0.6, 0}));
  EXPECT_EQ(encoded(encoder, {{"n", std::int64_t{100}}, {"c", a}, {"x", -std::numeric_limits<double>::infinity()}}),
            (std::vector<double>{0, 1, 0}));
  std::vector<double> row(3);
  EXPECT_FALSE(encoder.encode({{"x", 0.5}, {"n", std::int64_t{2}}, {"c", std::string("z")}}, row));
  EXPECT_FALSE(encoder.encode({{"x", std::string("0.5")}, {"n", std::int64_t{2}}, {"c", a}}, row));
  EXPECT_FALSE(encoder.encode({{"x", 0.5}, {"n", 2.5}, {"c", a}}, row));
  EXPECT_FALSE(encoder.encode({{"x", std::numeric_limits<double>::quiet_NaN()}, {"n", std::int64_t{2}}, {"c", a}}, row));
  // A parameter that another program did not give is encoded as absent.
  EXPECT_EQ(encoded(encoder, {{"x", 0.25}}), (std::vector<double>{0.25, 0.5, -1}));
}

TEST(Encoder, NonFiniteRowsDecodeIntoTheDomain) {
  const Space space = RandomSpace(3).make();
  const Encoder encoder(space);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(), 1e300}) {
    const std::vector<double> row(encoder.dimensions(), bad);
    EXPECT_EQ(encoded(encoder, encoder.decode(row)), snapped(encoder, row));
  }
}

TEST(Encoder, SampleGivesEveryLevelItsShare) {
  Space space;
  space.integer("n", 1, 4);
  space.integer("l", 1, 3).log();
  space.categorical("c", {"a", "b", "c"});
  const Encoder encoder(space);
  std::vector<std::vector<int>> counts{std::vector<int>(4), std::vector<int>(3), std::vector<int>(3)};
  const int draws = 12000;
  Rows rows(9);
  std::vector<double> row(3);
  for (int i = 0; i < draws; ++i) {
    ASSERT_TRUE(encoder.sample(rows.uniforms(3), static_cast<std::uint64_t>(i), row));
    for (std::size_t c = 0; c < 3; ++c) ++counts[c][static_cast<std::size_t>(encoder.nearest_level(c, row[c]))];
  }
  for (const int count : counts[0]) EXPECT_NEAR(count, draws / 4.0, 250);
  for (const int count : counts[2]) EXPECT_NEAR(count, draws / 3.0, 250);
  // By the logarithmic width of [v - 1/2, v + 1/2] over that of [1/2, 7/2].
  for (int v = 1; v <= 3; ++v)
    EXPECT_NEAR(counts[1][static_cast<std::size_t>(v - 1)], draws * std::log((v + 0.5) / (v - 0.5)) / std::log(7.0), 250);
}

TEST(Encoder, CopiesOutliveTheOriginal) {
  auto first = std::make_unique<Encoder>([] {
    Space space;
    space.categorical("c", {"a", "b"});
    space.real("x", 0, 1).when("c == 'b'");
    return space;
  }());
  const Encoder copy = *first;
  first.reset();
  EXPECT_EQ(copy.decode(std::vector<double>{1, 0.5}), (Parameters{{"c", std::string("b")}, {"x", 0.5}}));
}

}  // namespace
}  // namespace warpbo::space
