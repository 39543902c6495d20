#include "cli/param_spec.hpp"

#include <gtest/gtest.h>
#include <warpbo/error.hpp>

#include "cli/config.hpp"

namespace warpbo::cli {
namespace {

std::string error_of(const std::string& text) {
  try {
    (void)parse_param(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(ParamSpec, Ranges) {
  const ParameterSpec lr = parse_param("lr=log:1e-5..1e-1");
  EXPECT_EQ(lr.name, "lr");
  EXPECT_EQ(lr.kind, ParameterKind::real);
  EXPECT_TRUE(lr.log);
  EXPECT_EQ(lr.low, 1e-5);
  EXPECT_EQ(lr.high, 1e-1);

  const ParameterSpec x = parse_param("x=-1..1:0.25");
  EXPECT_EQ(x.low, -1);
  EXPECT_EQ(x.step, 0.25);

  const ParameterSpec width = parse_param("width=int:16..256:16");
  EXPECT_EQ(width.kind, ParameterKind::integer);
  EXPECT_EQ(width.int_low, 16);
  EXPECT_EQ(width.int_high, 256);
  EXPECT_EQ(width.int_step, 16);

  for (const char* text : {"n=logint:1..1000", "n=log:int:1..1e3", "n=int:log:1..1000"}) {
    const ParameterSpec n = parse_param(text);
    EXPECT_EQ(n.kind, ParameterKind::integer) << text;
    EXPECT_TRUE(n.log) << text;
    EXPECT_EQ(n.int_high, 1000) << text;
  }
}

TEST(ParamSpec, S7_IntegersStayExactBeyondDoublePrecisionOfText) {
  const ParameterSpec n = parse_param("n=int:-9007199254740992..9007199254740991");
  EXPECT_EQ(n.int_low, -9007199254740992);
  EXPECT_EQ(n.int_high, 9007199254740991);
}

TEST(ParamSpec, S8_ChoicesKeepTheirTypes) {
  EXPECT_EQ(parse_param("opt=sgd,adam").choices, (std::vector<Value>{std::string("sgd"), std::string("adam")}));
  EXPECT_EQ(parse_param("k=1,2,4").choices, (std::vector<Value>{std::int64_t{1}, std::int64_t{2}, std::int64_t{4}}));
  EXPECT_EQ(parse_param("k=1,2.5").choices, (std::vector<Value>{1.0, 2.5}));
  EXPECT_EQ(parse_param("k='1','2'").choices, (std::vector<Value>{std::string("1"), std::string("2")}));
  EXPECT_EQ(parse_param("k=true,false").choices, (std::vector<Value>{true, false}));
  EXPECT_EQ(parse_param("k=1,x").choices, (std::vector<Value>{std::string("1"), std::string("x")}));
  EXPECT_EQ(parse_param("k='a,b',\"\"").choices, (std::vector<Value>{std::string("a,b"), std::string("")}));
  EXPECT_EQ(parse_param("f=bool").choices, (std::vector<Value>{false, true}));
  EXPECT_EQ(parse_param("s=ordinal:s,m,l").kind, ParameterKind::ordinal);
  EXPECT_EQ(parse_param("c=choice:only").choices.size(), 1U);
  const ParameterSpec constant = parse_param("seed=value:7");
  EXPECT_EQ(constant.kind, ParameterKind::constant);
  EXPECT_EQ(constant.choices.at(0), Value(std::int64_t{7}));
}

TEST(ParamSpec, ConditionsAreCutOffOutsideOfQuotes) {
  const ParameterSpec momentum = parse_param("momentum=0..0.99 when opt == 'sgd'");
  EXPECT_EQ(momentum.condition, "opt == 'sgd'");
  EXPECT_EQ(momentum.high, 0.99);
  const ParameterSpec words = parse_param("w='a when b',c");
  EXPECT_TRUE(words.condition.empty());
  EXPECT_EQ(words.choices.at(0), Value(std::string("a when b")));
}

TEST(ParamSpec, N15_ErrorsNameTheParameterAndTheForms) {
  EXPECT_NE(error_of("lr=log:a..b").find("\"lr\": the lower bound \"a\" is not a number"), std::string::npos);
  EXPECT_NE(error_of("lr=0,1..0,5").find("is not a number"), std::string::npos);
  EXPECT_NE(error_of("n=int:1..2.5").find("is not an integer"), std::string::npos);
  EXPECT_NE(error_of("x=5").find("the forms are"), std::string::npos);
  EXPECT_NE(error_of("x").find("is not name=spec"), std::string::npos);
  EXPECT_NE(error_of("x=").find("empty"), std::string::npos);
  EXPECT_NE(error_of("x=a,,b").find("empty choice"), std::string::npos);
  EXPECT_NE(error_of("x='a,b").find("open quote"), std::string::npos);
  EXPECT_NE(error_of("x=log:a,b").find("not a range"), std::string::npos);
  EXPECT_NE(error_of("x=1..2:").find("neither a range nor a list"), std::string::npos);
}

TEST(ParamSpec, WrittenAsTomlReadsBackEqual) {
  for (const char* text :
       {"a=0..1", "a=log:1e-5..1e-1", "a=0..1:0.25", "a=int:16..256:16", "a=logint:1..1000", "a=sgd,adam",
        "a='1','two \"q\" \\ '", "a=1,2,3", "a=1,2.5", "a=bool", "a=ordinal:s,m,l", "a=value:7", "a=value:1e300"}) {
    const ParameterSpec spec = parse_param(text);
    const Config config = parse_config("[params]\na = " + to_toml(spec) + "\n", "t");
    ASSERT_EQ(config.params.size(), 1U);
    EXPECT_EQ(config.params[0].spec, spec) << to_toml(spec);
  }
}

TEST(ParamSpec, AssignmentsAreReadByTheSpace) {
  Space space;
  space.real("lr", 0, 1);
  space.integer("n", 1, 1000000);
  space.categorical("opt", {"sgd", "adam"});
  EXPECT_EQ(parse_assignment(space, "lr=0.5").second, Value(0.5));
  EXPECT_EQ(parse_assignment(space, "n=1e5").second, Value(std::int64_t{100000}));
  EXPECT_EQ(parse_assignment(space, "opt=adam").second, Value(std::string("adam")));
  EXPECT_THROW((void)parse_assignment(space, "n=1.5"), Error);
  EXPECT_THROW((void)parse_assignment(space, "lr=1,5"), Error);
  try {
    (void)parse_assignment(space, "otp=adam");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"opt\""), std::string::npos);
  }
  try {
    (void)parse_assignment(space, "opt=adm");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("\"sgd\", \"adam\""), std::string::npos);
  }
}

}  // namespace
}  // namespace warpbo::cli
