#include "cli/metric.hpp"

#include <gtest/gtest.h>
#include <warpbo/error.hpp>

#include <clocale>
#include <cmath>

#include "cli/work.hpp"

namespace warpbo::cli {
namespace {

MetricMatch scan(std::string_view text, const std::string& name = "loss") {
  MetricScanner scanner(name);
  scanner.feed(text);
  scanner.finish();
  return scanner.match();
}

TEST(Metric, L2_TheFormsThatCount) {
  for (const char* text :
       {"loss=0.25", "loss = 0.25", "loss: 0.25", "loss:0.25\n", "epoch 3 loss=0.25 acc=0.9", "[loss=0.25]", "loss=+2.5e-1,",
        "loss=0.25.", "loss=25e-2; ok", "(loss: .25)", "{\"loss\": 0.25}", "{\"epoch\": 1, \"loss\": 0.25}",
        "INFO {'loss': 0.25, 'x': 1}", "[tune-metric]: {\"loss\": 0.25}", "{\"loss\": \"0.25\"}", "\x1b[32mloss=0.25\x1b[0m",
        "loss=0.25%", "progress 10%\rloss=0.25\r", "loss=0.25 loss_x=9 xloss=8 val/loss=7 a.loss=6"}) {
    ASSERT_TRUE(scan(text).value) << text;
    EXPECT_EQ(*scan(text).value, 0.25) << text;
  }
}

TEST(Metric, L2_TheLastMatchWins) {
  EXPECT_EQ(*scan("loss=3\nloss=2\nloss=1\n").value, 1);
  EXPECT_EQ(*scan("loss=3 loss=2\n{\"loss\": 5}\nloss=oops\n").value, 5);
  EXPECT_EQ(*scan("loss=1").value, 1);  // no newline at the end
}

TEST(Metric, L2_GarbageIsNotANumber) {
  for (const char* text :
       {"", "loss", "loss=", "loss=abc", "loss=1,5", "loss=0x1f", "loss=1.2.3", "loss=12abc", "loss==1", "xloss=1", "loss_2=1",
        "val_loss=1", "--loss=1", "loss 1", "loss=1e", "loss=.", "Loss=1", "loss=1-2", "{\"a\": {\"loss\": true}}"})
    EXPECT_FALSE(scan(text).value) << text << " gave " << scan(text).value.value_or(0);
  EXPECT_EQ(scan("a\nloss=1,5 b\n").near_miss, "loss=1,5 b");
}

TEST(Metric, L2_NanAndInfinitiesAreSeen) {
  for (const char* text : {"loss=nan", "loss: NaN", "loss=-nan", "{\"loss\": NaN}", "{\"loss\": null}"}) {
    ASSERT_TRUE(scan(text).value) << text;
    EXPECT_TRUE(std::isnan(*scan(text).value)) << text;
  }
  EXPECT_EQ(*scan("loss=inf").value, INFINITY);
  EXPECT_EQ(*scan("loss=-Infinity").value, -INFINITY);
  EXPECT_FALSE(scan("loss=info").value);
  EXPECT_FALSE(scan("loss=nanometer").value);
}

TEST(Metric, L2_NestedJsonByDots) {
  EXPECT_EQ(*scan("{\"val\": {\"loss\": 2}, \"loss\": 1}", "val.loss").value, 2);
  EXPECT_EQ(*scan("{\"val.loss\": 3}", "val.loss").value, 3);
  EXPECT_EQ(*scan("Cross Validation Accuracy = 83.7037%", "Cross Validation Accuracy").value, 83.7037);
}

TEST(Metric, L2_LongLinesAndBinaryNoise) {
  const std::string noise(2000, 'x');
  EXPECT_EQ(*scan(noise + " loss=0.5 " + noise).value, 0.5);
  std::string flood(3 << 20, 'y');
  flood.replace(1 << 20, 12, " loss=0.125 ");
  EXPECT_EQ(*scan(flood).value, 0.125);
  std::string words;
  while (words.size() < (200 << 10)) words += "loss=0.75 some words between ";
  EXPECT_EQ(*scan(words).value, 0.75);
  const std::string nul("\0\0loss=0.5\0", 11);
  EXPECT_EQ(*scan(nul).value, 0.5);
  const std::string wide("l\0o\0s\0s\0=\0001\0", 12);  // UTF-16
  EXPECT_FALSE(scan(wide).value);
}

/// Whatever the cuts between reads are, the result is the same.
TEST(Metric, L2_AnyChunkingGivesTheSame) {
  const std::string text = "loss=1\nsome text {\"loss\": 2}\r\n{\"loss\": 0.25}\nloss=0.3,4\nend";
  for (std::size_t size = 1; size < text.size(); ++size) {
    MetricScanner scanner("loss");
    for (std::size_t i = 0; i < text.size(); i += size) scanner.feed(std::string_view(text).substr(i, size));
    scanner.finish();
    ASSERT_TRUE(scanner.match().value);
    EXPECT_EQ(*scanner.match().value, 0.25) << size;
    EXPECT_EQ(scanner.last_line(), "end");
  }
}

TEST(Metric, L2_LocaleDoesNotMatter) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "C.UTF-8"}) {
    std::setlocale(LC_ALL, locale);
    EXPECT_EQ(*scan("loss=0.5").value, 0.5);
    EXPECT_FALSE(scan("loss=0,5").value);
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST(Metric, ResultFiles) {
  EXPECT_EQ(*match_text("0.5\n", "loss").value, 0.5);
  EXPECT_EQ(*match_text("{\n  \"loss\": 0.5,\n  \"n\": 3\n}\n", "loss").value, 0.5);
  EXPECT_EQ(*match_text("loss=0.5\n", "loss").value, 0.5);
  EXPECT_FALSE(match_text("half", "loss").value);
  EXPECT_EQ(match_text("half", "loss").near_miss, "half");
  EXPECT_TRUE(std::isnan(*match_text("nan", "loss").value));
}

TEST(Metric, RegexTakesTheLastMatch) {
  EXPECT_EQ(*match_regex("acc 1\nacc 2\nacc x\n", "acc ([0-9]+)").value, 2);
  EXPECT_FALSE(match_regex("acc 1,5\n", "acc (.*)").value);
  EXPECT_EQ(*match_regex("acc -1.5e3 !", "acc ([-0-9.e]+)").value, -1500);
  EXPECT_THROW(check_regex("acc"), Error);
  EXPECT_THROW(check_regex("(a)(b)"), Error);
  EXPECT_THROW(check_regex("(a"), Error);
  EXPECT_NO_THROW(check_regex("acc (.*)"));
  EXPECT_EQ(*match_regex(std::string(1 << 20, 'x') + "\nacc 3\n", "acc ([0-9]+)").value, 3);  // no stack overflow
}

TEST(Metric, L2_FailuresSayWhatWasSeenEscaped) {
  WorkResult result;
  result.end = WorkResult::End::exited;
  const MetricRule rule{MetricRule::Source::automatic, "loss", {}, {}};
  result.metric.near_miss = "loss=1,5\x1b[2J";
  const Verdict verdict = judge(result, rule, false, 0);
  EXPECT_FALSE(verdict.ok);
  EXPECT_NE(verdict.failure.find("\"loss=1,5\\x1b[2J\""), std::string::npos) << verdict.failure;
  EXPECT_EQ(verdict.failure.find('\x1b'), std::string::npos);
}

TEST(Metric, L3_L4_L5_VerdictsNameTheCause) {
  const MetricRule rule{MetricRule::Source::automatic, "loss", {}, {}};
  WorkResult result;
  result.end = WorkResult::End::exited;
  result.metric.value = 0.5;
  EXPECT_TRUE(judge(result, rule, false, 0).ok);
  result.code = 3;
  result.last_error = "boom";
  EXPECT_EQ(judge(result, rule, false, 0).failure, "exit status 3; last line: \"boom\"");
  EXPECT_TRUE(judge(result, rule, true, 0).ok);
  result.end = WorkResult::End::signalled;
  result.code = 11;
  EXPECT_EQ(judge(result, rule, true, 0).failure.find("killed by SIGSEGV"), 0U);
  result.code = 9;
  EXPECT_NE(judge(result, rule, true, 0).failure.find("out of memory"), std::string::npos);
  result.end = WorkResult::End::timed_out;
  EXPECT_EQ(judge(result, rule, true, 2.5).failure.find("timed out after 2.5 s"), 0U);
  result.end = WorkResult::End::exited;
  result.code = 0;
  result.metric.value = std::nan("");
  EXPECT_EQ(judge(result, rule, false, 0).failure, "the metric is NaN");
}

}  // namespace
}  // namespace warpbo::cli
