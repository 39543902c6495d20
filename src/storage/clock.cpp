#include "storage/clock.hpp"

#include <charconv>
#include <cstdio>

namespace warpbo::storage {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::microseconds;

Trial::Time current_time() { return Trial::Time(floor<microseconds>(std::chrono::system_clock::now().time_since_epoch())); }

std::string format_time(Trial::Time time) {
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<microseconds>(time - day));
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02u %02d:%02d:%02d.%06d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return buffer;
}

std::optional<Trial::Time> parse_time(std::string_view text) {
  // Positions of year, month, day, hour, minute, second; the separators between them are not looked at ('T' and ' ' both
  // occur).
  static constexpr struct { std::size_t at, length; } kFields[] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}};
  int field[6] = {};
  if (text.size() < 19) return std::nullopt;
  for (int i = 0; i < 6; ++i) {
    const char* first = text.data() + kFields[i].at;
    const char* last = first + kFields[i].length;
    const auto [end, error] = std::from_chars(first, last, field[i]);
    if (error != std::errc() || end != last || field[i] < 0) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(field[0]), std::chrono::month(static_cast<unsigned>(field[1])),
                                         std::chrono::day(static_cast<unsigned>(field[2]))};
  if (!date.ok() || field[3] > 23 || field[4] > 59 || field[5] > 60) return std::nullopt;
  std::int64_t micros = 0;
  if (text.size() > 20 && text[19] == '.') {
    std::int64_t unit = 100000;
    for (std::size_t i = 20; i < text.size() && unit > 0 && text[i] >= '0' && text[i] <= '9'; ++i, unit /= 10)
      micros += unit * (text[i] - '0');
  }
  return Trial::Time(std::chrono::sys_days(date)) + std::chrono::hours(field[3]) + std::chrono::minutes(field[4]) +
         std::chrono::seconds(field[5]) + microseconds(micros);
}

}  // namespace warpbo::storage
