#include "cli/text.hpp"

#include <gtest/gtest.h>
#include <warpbo/error.hpp>

#include <cmath>
#include <limits>

namespace warpbo::cli {
namespace {

TEST(Text, DurationsAsPeopleWriteThem) {
  EXPECT_EQ(parse_duration("90"), 90);
  EXPECT_EQ(parse_duration("1.5"), 1.5);
  EXPECT_EQ(parse_duration("10m"), 600);
  EXPECT_EQ(parse_duration("1h30m"), 5400);
  EXPECT_EQ(parse_duration("500ms"), 0.5);
  EXPECT_EQ(parse_duration("2d"), 172800);
  for (const char* bad : {"", "m", "10x", "-5", "inf", "nan", "1h-3m", "10 m", "1,5"}) EXPECT_FALSE(parse_duration(bad)) << bad;
  EXPECT_EQ(format_clock(3671.9), "1:01:11");
  EXPECT_EQ(format_clock(-3), "0:00:00");
}

TEST(Text, N15_NumbersNeedTheWholeTextAndNoLocale) {
  EXPECT_EQ(parse_number("1e5"), 1e5);
  EXPECT_EQ(parse_number("+0.5"), 0.5);
  for (const char* bad : {"", "1,5", "0x10", "1e5 ", "1.2.3", "--1", "+-1"}) EXPECT_FALSE(parse_number(bad)) << bad;
  EXPECT_EQ(parse_integer("9007199254740993"), 9007199254740993);
  EXPECT_FALSE(parse_integer("99999999999999999999"));
  EXPECT_EQ(brief_number(0.123456789, 3), "0.123");
  EXPECT_EQ(brief_number(0.1, 6), "0.1");
  EXPECT_EQ(brief_number(std::numeric_limits<double>::infinity()), "inf");
}

TEST(Text, L12_EscapeLeavesNothingThatActsOnATerminal) {
  EXPECT_EQ(escape("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(escape("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(escape(std::string_view("\0\x07\x7f", 3)), "\\x00\\x07\\x7f");
  EXPECT_EQ(escape("\xc2\x9b"
                   "31m"),
            "\\xc2\\x9b"
            "31m");                                      // CSI as one C1 character
  EXPECT_EQ(escape("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(escape("\xff\xfe"), "\\xff\\xfe");           // not UTF-8
  EXPECT_EQ(escape("grün 日本"), "grün 日本");
  EXPECT_EQ(escape("abcdef", 3), "abc... (6 bytes)");
}

TEST(Text, WidthsCountColumnsNotBytes) {
  EXPECT_EQ(display_width("grün"), 4U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\xcc\x81"), 1U);
  EXPECT_EQ(fit_width("abcdef", 4, false), "abc~");
  EXPECT_EQ(fit_width("日本語", 5, true), "日本…");
  EXPECT_EQ(fit_width("日本語", 4, true), "日…");
  EXPECT_EQ(fit_width("abc", 3, true), "abc");
  EXPECT_EQ(fit_width("abc", 0, true), "");
}

TEST(Text, SuggestsTheNameThatWasMeant) {
  const std::vector<std::string> known = {"minimize", "maximize", "trials"};
  EXPECT_EQ(closest("minimise", known), "minimize");
  EXPECT_EQ(closest("trails", known), "trials");
  EXPECT_FALSE(closest("zebra", known));
}

TEST(Text, ShellWordsRoundTrip) {
  for (const std::string& word :
       {std::string(""), std::string("plain"), std::string("a b"), std::string("it's"), std::string("$(rm -rf /)"),
        std::string("\"q\" \\ `x`"), std::string("*"), std::string("a\nb")}) {
    const std::vector<std::string> words = split_words("cmd " + shell_quote(word) + " end");
    ASSERT_EQ(words.size(), 3U) << word;
    EXPECT_EQ(words[1], word);
  }
  EXPECT_EQ(split_words("  python3  train.py --lr={lr} "), (std::vector<std::string>{"python3", "train.py", "--lr={lr}"}));
  EXPECT_THROW((void)split_words("a 'b"), Error);
}

TEST(Text, W8_StudyNamesCannotLeaveTheirDirectory) {
  EXPECT_EQ(safe_component("digits-cnn_2.1"), "digits-cnn_2.1");
  for (const char* hostile : {"../x", "..", ".", "a/b", "", "-rf", "a b", "\xf0\x9f\x98\x80"}) {
    const std::string safe = safe_component(hostile);
    EXPECT_EQ(safe.find('/'), std::string::npos) << hostile;
    EXPECT_FALSE(safe.empty());
    EXPECT_NE(safe[0], '.') << hostile;
    EXPECT_NE(safe[0], '-' + (*hostile == '\0' ? 1 : 0)) << hostile;
  }
  EXPECT_NE(safe_component("a/b"), safe_component("a_b"));
  EXPECT_NE(safe_component("a/b"), safe_component("a:b"));
}

TEST(Text, SparklineShowsLowAndHighAndSurvivesExtremes) {
  const std::vector<double> falling = {3, 2, 1};
  EXPECT_EQ(sparkline(falling, 10, true), "█▅▁");
  EXPECT_EQ(sparkline(falling, 10, false), "#=_");
  EXPECT_EQ(display_width(sparkline(std::vector<double>(100, 1.0), 8, true)), 8U);
  EXPECT_EQ(sparkline({}, 5, true), "");
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(sparkline(std::vector<double>{inf, 1e308, -1e308, std::nan("")}, 5, false), "#_");
}

}  // namespace
}  // namespace warpbo::cli
