// Linear constraints: text, feasibility, violation, sampling.
#include "space/testing.hpp"

#include "space/linear.hpp"
#include "space/simplex.hpp"

#include <numeric>
#include <thread>

namespace warpbo::space {
namespace {

Space cube(int dimensions) {
  Space space;
  for (int i = 0; i < dimensions; ++i) space.real("x" + std::to_string(i), 0, 1);
  return space;
}

std::string sum_of(int dimensions) {
  std::string sum;
  for (int i = 0; i < dimensions; ++i) sum += (i == 0 ? "x" : " + x") + std::to_string(i);
  return sum;
}

TEST(Constraint, ReadsLinearExpressions) {
  const Space space = cube(3);
  const auto parse = [&](const std::string& source) { return parse_constraint(space.parameters(), source); };
  const LinearConstraint a = parse("2*x0 - x1/4 + 0.5 <= x2");
  EXPECT_EQ(a.terms, (std::vector<std::pair<std::size_t, double>>{{0, 2}, {1, -0.25}, {2, -1}}));
  EXPECT_EQ(a.bound, -0.5);
  EXPECT_FALSE(a.equality);
  const LinearConstraint b = parse("-(x0 - 3) * 2 >= 1e1 - +x1");  // 6 - 2 x0 >= 10 - x1
  EXPECT_EQ(b.terms, (std::vector<std::pair<std::size_t, double>>{{0, 2}, {1, -1}}));
  EXPECT_EQ(b.bound, -4);
  const LinearConstraint c = parse("x0 + x1 + x0 == 1");
  EXPECT_EQ(c.terms, (std::vector<std::pair<std::size_t, double>>{{0, 2}, {1, 1}}));
  EXPECT_TRUE(c.equality);
}

TEST(Constraint, ErrorsSayWhereAndWhat) {
  Space space = cube(3);
  space.categorical("c", {"a", "b"});
  const auto refusal = [&](const std::string& source) { return error_of([&] { space.constrain(source); }); };
  expect_contains(refusal("x0 * x1 <= 8"), {"position 4", "product", "not linear"});
  expect_contains(refusal("1 / x0 <= 8"), {"position 3", "not linear"});
  expect_contains(refusal("x0 / 0 <= 8"), {"division by zero"});
  expect_contains(refusal("0 <= x0 <= 1"), {"position 9", "two constraints"});
  expect_contains(refusal("x0 < 1"), {"position 4", "<="});
  expect_contains(refusal("x0 = 1"), {"=="});
  expect_contains(refusal("x0 + x1"), {"position 8", "<=, >= or =="});
  expect_contains(refusal("x0 + y <= 1"), {"position 6", "\"y\"", "declare"});
  expect_contains(refusal("c <= 1"), {"\"c\"", "categorical"});
  expect_contains(refusal("2x0 <= 1"), {"position 2", "2*x"});
  expect_contains(refusal("x0 - x0 <= 1"), {"constrains nothing"});
  expect_contains(refusal("1 <= 2"), {"constrains nothing"});
  expect_contains(refusal("(x0 <= 1"), {")"});
  expect_contains(refusal(std::string(100000, '(') + "x0 <= 1"), {"nested too deeply"});
  expect_contains(refusal(std::string(100000, '-') + "x0 <= 1"), {"nested too deeply"});
  expect_contains(refusal("1e308*x0*10 <= 1"), {"range of doubles"});
  EXPECT_TRUE(space.constraints().empty());
}

TEST(Simplex, AgreesWithVerticesByEnumeration) {
  // Random programs in the plane; the optimum lies at the intersection of two of the lines (rows or bounds).
  Rows rows(11);
  int feasible_count = 0;
  for (int t = 0; t < 2000; ++t) {
    LinearProgram program;
    program.variables = 2;
    program.lower = {0, 0};
    program.upper = {1, 1};
    std::vector<std::array<double, 3>> lines{{1, 0, 1}, {-1, 0, 0}, {0, 1, 1}, {0, -1, 0}};
    for (int i = 0; i < 3; ++i) {
      const double a = rows.uniform() * 2 - 1;
      const double b = rows.uniform() * 2 - 1;
      const double limit = rows.uniform() - 0.6;
      program.add_row(std::vector<double>{a, b}, limit);
      lines.push_back({a, b, limit});
    }
    const std::vector<double> objective{rows.uniform() * 2 - 1, rows.uniform() * 2 - 1};
    double best = -1e9;
    for (std::size_t i = 0; i < lines.size(); ++i)
      for (std::size_t k = i + 1; k < lines.size(); ++k) {
        const double determinant = lines[i][0] * lines[k][1] - lines[i][1] * lines[k][0];
        if (std::abs(determinant) < 1e-9) continue;
        const double x = (lines[i][2] * lines[k][1] - lines[i][1] * lines[k][2]) / determinant;
        const double y = (lines[i][0] * lines[k][2] - lines[i][2] * lines[k][0]) / determinant;
        bool inside = true;
        for (const auto& line : lines) inside = inside && line[0] * x + line[1] * y <= line[2] + 1e-9;
        if (inside) best = std::max(best, objective[0] * x + objective[1] * y);
      }
    const auto point = maximize(program, objective);
    ASSERT_EQ(point.has_value(), best > -1e9) << t;
    if (!point) continue;
    ++feasible_count;
    ASSERT_NEAR(objective[0] * (*point)[0] + objective[1] * (*point)[1], best, 1e-8);
  }
  EXPECT_GT(feasible_count, 300);
  EXPECT_LT(feasible_count, 1800);
}

TEST(Constraint, S12_InfeasibleSetsAreRefusedWithTheirRows) {
  Space space = cube(3);
  space.constrain("x2 <= 0.9");
  space.constrain("x0 >= 0.7");
  space.constrain("x0 + x1 + x2 <= 2.5");
  space.constrain("x0 + x1 <= 0.6");
  const std::string message = error_of([&] { space.validate(); });
  expect_contains(message, {"no feasible point", "\"x0 >= 0.7\" and \"x0 + x1 <= 0.6\"", "contradict", "relax"});
  EXPECT_EQ(message.find("x2"), std::string::npos) << message;
  Space alone = cube(2);
  alone.constrain("x0 + x1 >= 2.1");
  expect_contains(error_of([&] { const Encoder encoder(alone); }), {"no feasible point", "x0 + x1 >= 2.1", "bounds"});
  Space equalities = cube(2);
  equalities.constrain("x0 + x1 == 1");
  equalities.constrain("2*x0 + 2*x1 == 3");
  expect_contains(error_of([&] { equalities.validate(); }), {"no feasible point", "and"});
}

TEST(Constraint, S12_InfeasibleOnlyOnTheGrid) {
  Space space;
  space.integer("a", 0, 100);
  space.integer("b", 0, 100);
  space.constrain("2*a + 4*b == 77");
  expect_contains(error_of([&] { space.validate(); }), {"2*a + 4*b == 77", "not on the integers"});
  Space steps;
  steps.real("x", 0, 1).step(0.5);
  steps.constrain("x >= 0.6");
  steps.constrain("x <= 0.9");
  expect_contains(error_of([&] { steps.validate(); }), {"x >= 0.6", "x <= 0.9", "not on the integers and steps"});
}

TEST(Constraint, S12_ConditionalConstraints) {
  Space space;
  space.boolean("on");
  space.real("x", 0, 1);
  space.real("y", 0.5, 1).when("on == true");
  space.constrain("x + y <= 1");
  const Encoder encoder(space);
  EXPECT_EQ(space.check({{"on", false}, {"x", 0.9}}), std::nullopt);
  expect_contains(space.check({{"on", true}, {"x", 0.9}, {"y", 0.5}}).value_or(""), {"x + y <= 1", "x = 0.9", "y = 0.5"});
  EXPECT_TRUE(encoder.feasible(std::vector<double>{0, 0.9, 0.5}));
  EXPECT_FALSE(encoder.feasible(std::vector<double>{1, 0.9, 0.5}));
  space.constrain("x + 2*y <= 0.5");
  expect_contains(error_of([&] { space.validate(); }), {"x + 2*y <= 0.5", "whenever"});
}

/// Draws, checks that all are feasible by check() on what decode() gives, and returns the mean of each column.
std::vector<double> sample_mean(const Space& space, int draws) {
  const Encoder encoder(space);
  Rows rows(12);
  std::vector<double> mean(encoder.dimensions());
  std::vector<double> row(encoder.dimensions());
  for (int i = 0; i < draws; ++i) {
    EXPECT_TRUE(encoder.sample(rows.uniforms(row.size()), static_cast<std::uint64_t>(i), row));
    EXPECT_TRUE(encoder.feasible(row));
    EXPECT_EQ(snapped(encoder, row), row);
    const auto reason = space.check(encoder.decode(row));
    EXPECT_EQ(reason, std::nullopt);
    for (std::size_t c = 0; c < row.size(); ++c) mean[c] += row[c] / draws;
  }
  return mean;
}

TEST(Constraint, S12_SimplexInTenDimensions) {
  // The volume is 1 / 10!, 2.8e-7 of the cube. Uniform points of it have the mean 1 / 11 in each coordinate.
  Space space = cube(10);
  space.constrain(sum_of(10) + " <= 1");
  for (const double mean : sample_mean(space, 2000)) EXPECT_NEAR(mean, 1.0 / 11, 0.01);
}

TEST(Constraint, S12_EqualityInTenDimensions) {
  Space space = cube(10);
  space.constrain(sum_of(10) + " == 1");
  for (const double mean : sample_mean(space, 2000)) EXPECT_NEAR(mean, 0.1, 0.01);
  const Encoder encoder(space);
  Rows rows(3);
  std::vector<double> row(10);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(encoder.sample(rows.uniforms(10), static_cast<std::uint64_t>(i), row));
    double sum = 0;
    for (const auto& [name, value] : encoder.decode(row)) sum += std::get<double>(value);
    EXPECT_NEAR(sum, 1, 4e-16 * 10);
  }
}

TEST(Constraint, S12_FeasibleFractionOfABillionth) {
  Space tube = cube(2);
  tube.constrain("x0 - x1 <= 5e-10");
  tube.constrain("x1 - x0 <= 5e-10");
  for (const double mean : sample_mean(tube, 1000)) EXPECT_NEAR(mean, 0.5, 0.04);  // all along the tube
  Space corner;
  corner.real("a", 1e-5, 1).log();
  corner.real("b", 1e-5, 1).log();
  corner.constrain("a + b <= 2.001e-5");
  for (const double mean : sample_mean(corner, 300)) EXPECT_LT(mean, 1e-3);
}

TEST(Constraint, S12_LogarithmicParametersAreUniformInTheLogarithm) {
  // a <= 1e-3 by a constraint: of the encoded range [0, 1] the part up to 0.5 remains. With a second, thin constraint the walk
  // is needed.
  Space space;
  space.real("a", 1e-5, 1e-1).log();
  space.real("u", 0, 1);
  space.real("v", 0, 1);
  space.constrain("a <= 1e-3");
  space.constrain("u - v <= 1e-7");
  space.constrain("v - u <= 1e-7");
  const std::vector<double> mean = sample_mean(space, 2000);
  EXPECT_NEAR(mean[0], 0.25, 0.015);
  EXPECT_NEAR(mean[1], 0.5, 0.03);
}

TEST(Constraint, S12_IntegersAndMixedEqualities) {
  Space integers;
  for (const char* name : {"a", "b", "c"}) integers.integer(name, 0, 10);
  integers.constrain("a + b + c == 10");
  for (const double mean : sample_mean(integers, 2000)) EXPECT_NEAR(mean, 1.0 / 3, 0.03);
  Space parity;
  parity.integer("a", 0, 1000);
  parity.integer("b", 0, 1000);
  parity.constrain("2*a + b == 777");
  sample_mean(parity, 300);
  Space mixed;
  mixed.integer("n", 1, 1000).log();
  mixed.real("x", 0, 1);
  mixed.integer("m", 0, 1000);
  mixed.constrain("n + m + 1000*x == 3");
  sample_mean(mixed, 300);
}

TEST(Constraint, S12_ManyDimensions) {
  Space space = cube(200);
  space.constrain(sum_of(200) + " <= 1");
  sample_mean(space, 5);
}

TEST(Constraint, EqualityHoldsForDecodedPoints) {
  Space space = cube(3);
  space.constrain("x0 + x1 + x2 == 1");
  space.constrain("x0 - x1 == 0.25");
  const Encoder encoder(space);
  Rows rows(14);
  int feasible = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::vector<double> row = rows.uniforms(3);
    const Parameters trial = encoder.decode(row);
    const bool inside = encoder.feasible(snapped(encoder, row));
    EXPECT_EQ(space.check(trial).has_value(), !inside);
    if (!inside) continue;
    ++feasible;
    EXPECT_NEAR(trial.get<double>("x0") - trial.get<double>("x1"), 0.25, 5e-16);
    EXPECT_NEAR(trial.get<double>("x0") + trial.get<double>("x1") + trial.get<double>("x2"), 1, 5e-16);
  }
  EXPECT_GT(feasible, 300);
}

TEST(Constraint, EqualityThatNothingCanBeSolvedFor) {
  Space space;
  space.real("x", 0, 1);
  space.real("y", 0, 1).when("x > 0.5");
  space.real("z", 0, 1).when("y > 0.5");
  space.constrain("x + y == 1.25");
  expect_contains(error_of([&] { space.validate(); }), {"x + y == 1.25", "no condition names"});
}

TEST(Constraint, SnapTriesTheOtherNeighbour) {
  Space space;
  space.integer("a", 0, 10);
  space.integer("b", 0, 10);
  space.constrain("a + b <= 10");
  const Encoder encoder(space);
  // 5.6 + 4.3 is feasible; the nearest integers 6 + 4 are; 5.6 + 4.4 too. 5.6 + 4.5 rounds to 6 + 5 and is not feasible.
  for (double a = 0; a <= 10; a += 0.05)
    for (double b = 0; a + b <= 10; b += 0.05) {
      const std::vector<double> row = snapped(encoder, {a / 10, b / 10});
      ASSERT_TRUE(encoder.feasible(row)) << a << " " << b;
      ASSERT_LE(std::abs(row[0] * 10 - a), 1.0);
      ASSERT_LE(std::abs(row[1] * 10 - b), 1.0);
      ASSERT_EQ(encoded(encoder, encoder.decode(std::vector<double>{a / 10, b / 10})), row);
    }
}

TEST(Constraint, ViolationVanishesExactlyInTheFeasibleSet) {
  Space space = cube(2);
  space.constrain("x0 + x1 <= 1");
  const Encoder encoder(space);
  EXPECT_EQ(encoder.violation(std::vector<double>{0.25, 0.75}, {}), 0);
  // The sum ranges over [0, 2]: an excess of 0.5 is 0.25 of it.
  EXPECT_NEAR(encoder.violation(std::vector<double>{0.75, 0.75}, {}), 0.0625, 1e-15);
}

TEST(Constraint, ViolationGradientAgreesWithDifferences) {
  Space space;
  space.real("a", 1e-3, 10).log();
  space.real("b", -2, 3);
  space.integer("n", 1, 50).log();
  space.real("s", 0, 4).step(0.5);
  space.boolean("on");
  space.real("c", 0, 2).when("on == true");
  space.constrain("a + b - 0.1*n <= -1");
  space.constrain("a + s == 3");
  space.constrain("c + b <= 0.5");
  const Encoder encoder(space);
  Rows rows(15);
  for (int i = 0; i < 300; ++i) {
    std::vector<double> row = rows.uniforms(encoder.dimensions());
    row[4] = i % 2;
    std::vector<double> gradient(row.size(), 1.0);  // added to, not overwritten
    encoder.violation(row, gradient);
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c == 4) continue;
      const double h = 1e-6;
      std::vector<double> up = row;
      std::vector<double> down = row;
      up[c] += h;
      down[c] -= h;
      const double slope = (encoder.violation(up, {}) - encoder.violation(down, {})) / (2 * h);
      ASSERT_NEAR(gradient[c] - 1, slope, 1e-6 + 1e-5 * std::abs(slope)) << i << " " << c;
    }
  }
}

TEST(Constraint, SamplesFromSeveralThreads) {
  Space space = cube(6);
  space.boolean("on");
  space.real("y", 0, 1).when("on == true");
  space.constrain(sum_of(6) + " <= 0.05");
  space.constrain("x0 + y <= 0.04");
  const Encoder encoder(space);
  const auto draw = [&](std::uint64_t seed) {
    Rows rows(seed);
    std::vector<double> row(encoder.dimensions());
    EXPECT_TRUE(encoder.sample(rows.uniforms(row.size()), seed, row));
    return row;
  };
  std::vector<std::vector<double>> parallel(40);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < parallel.size(); i += 4) parallel[i] = draw(i);
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < parallel.size(); ++i) EXPECT_EQ(parallel[i], draw(i));  // a function of its arguments alone
}

}  // namespace
}  // namespace warpbo::space
