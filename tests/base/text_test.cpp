#include "base/text.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <limits>

namespace warpbo::text {
namespace {

// N15: numbers are read in the C locale, whole, whatever the program's locale is.
TEST(Text, N15_NumbersIgnoreTheLocale) {
  std::setlocale(LC_ALL, "de_DE.UTF-8");
  EXPECT_EQ(parse_number("1.5"), 1.5);
  EXPECT_EQ(parse_number("1,5"), std::nullopt);
  EXPECT_EQ(format_number(0.1), "0.1");
  std::setlocale(LC_ALL, "C");
}

TEST(Text, N15_WholeStringOrNothing) {
  EXPECT_EQ(parse_number("1e5"), 1e5);
  EXPECT_EQ(parse_number("+2.5"), 2.5);
  for (const char* bad : {"", " 1", "1 ", "1e", "0x10", "1.5.2", "+-1", "++1", "abc", "1e999"})
    EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
  EXPECT_TRUE(std::isnan(parse_number("nan").value()));
  EXPECT_TRUE(std::isinf(parse_number("-inf").value()));
}

TEST(Text, IntegersAreExact) {
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_integer("9223372036854775808"), std::nullopt);
  EXPECT_EQ(parse_integer("12a"), std::nullopt);
}

TEST(Text, FormattedNumbersReadBackToTheSameBits) {
  for (const double value : {0.1, 1.0 / 3.0, 1e-310, 1.7976931348623157e308, -0.0, 5e-324})
    EXPECT_EQ(parse_number(format_number(value)).value(), value);
}

TEST(Text, QuoteIsSafeOnATerminal) {
  EXPECT_EQ(quote("a\x1b[2Jb\n"), "\"a\\x1b[2Jb\\n\"");
  EXPECT_EQ(quote("say \"hi\""), "\"say \\\"hi\\\"\"");
  EXPECT_EQ(quote(std::string(100, 'x'), 4), "\"xxxx\"... (100 bytes)");
}

TEST(Text, Utf8) {
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80"})
    EXPECT_FALSE(is_utf8(bad)) << quote(bad);
}

}  // namespace
}  // namespace warpbo::text
