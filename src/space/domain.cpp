#include "space/domain.hpp"

#include "space/spec.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::space {

namespace {

// Up to this many choices a comparison of each is as quick as a hash.
constexpr std::size_t kScannedChoices = 8;

double clamp01(double entry) {
  if (!(entry > 0)) return 0;  // NaN too
  return entry < 1 ? entry : 1;
}

}  // namespace

Domain::Domain(const ParameterSpec& spec) : spec_(&spec) {
  switch (spec.kind) {
    case ParameterKind::real:
      low_ = spec.low;
      high_ = spec.high;
      if (spec.step) {
        step_ = *spec.step;
        levels_ = real_levels(low_, high_, step_);
        high_ = number_at(levels_ - 1);
      } else if (low_ == high_) {
        levels_ = 1;
      }
      log_ = spec.log;
      break;
    case ParameterKind::integer:
      shape_ = Shape::integer;
      int_step_ = spec.int_step.value_or(1);
      levels_ = (spec.int_high - spec.int_low) / int_step_ + 1;
      low_ = static_cast<double>(spec.int_low);
      high_ = static_cast<double>(spec.int_low + (levels_ - 1) * int_step_);
      step_ = static_cast<double>(int_step_);
      log_ = spec.log;
      break;
    case ParameterKind::categorical:
    case ParameterKind::ordinal:
    case ParameterKind::constant:
      shape_ = Shape::choice;
      nominal_ = spec.kind != ParameterKind::ordinal;
      levels_ = static_cast<std::int64_t>(spec.choices.size());
      high_ = static_cast<double>(levels_ - 1);
      if (spec.choices.size() > kScannedChoices) {
        choices_.reserve(spec.choices.size());
        for (std::size_t i = 0; i < spec.choices.size(); ++i) choices_.emplace(spec.choices[i], static_cast<std::int64_t>(i));
      }
      return;
  }
  if (!single()) prepare_scale();
}

void Domain::prepare_scale() {
  width_ = high_ - low_;
  wide_ = !std::isfinite(width_);
  if (wide_) width_ = high_ / 2 - low_ / 2;
  if (log_) {
    split_log_ = !std::isfinite(high_ / low_);
    log_low_ = std::log(low_);
    log_width_ = split_log_         ? std::log(high_) - log_low_
                 : high_ / low_ < 2 ? std::log1p(width_ / low_)
                                    : std::log(high_ / low_);
    well_spaced_ = levels_ > 0 && step_ >= high_ * 0x1p-40;
  }
  // The spacing of doubles near the bounds, in units of the entry. Conversions round to one unit in the last place at worst, so
  // entries that are four spacings apart come back as themselves.
  const auto ulp = [](double x) { return std::nextafter(x, std::numeric_limits<double>::infinity()) - x; };
  const double largest = std::max(std::abs(low_), std::abs(high_));
  const double spacing = log_ ? std::max(ulp(low_) / low_, std::numeric_limits<double>::epsilon()) / log_width_
                              : ulp(largest / 2) / (wide_ ? width_ : width_ / 2);
  while (quantum_ < 1 && quantum_ < 4 * spacing) quantum_ *= 2;
}

double Domain::quantize(double entry) const {
  // Adding and subtracting 2^52 quanta rounds a number in [0, 1] to a multiple of the quantum, ties to even.
  const double shift = quantum_ * 0x1p52;
  const double shifted = clamp01(entry) + shift;
  return shifted - shift;
}

double Domain::number_at_place(double place) const {
  place = clamp01(place);
  if (place == 0) return low_;
  if (place == 1) return high_;
  double number = 0;
  if (log_) {
    number = split_log_ ? std::exp(log_low_ + place * log_width_) : low_ * std::exp(place * log_width_);
  } else if (wide_) {
    number = 2 * std::clamp(low_ / 2 + place * width_, low_ / 2, high_ / 2);
  } else {
    number = low_ + place * width_;
  }
  return std::clamp(number, low_, high_) + 0.0;
}

double Domain::place(double number) const {
  if (!(number > low_)) return 0;
  if (number >= high_) return 1;
  if (log_) {
    if (split_log_) return clamp01((std::log(number) - log_low_) / log_width_);
    const double ratio = number / low_;
    return clamp01((ratio < 2 ? std::log1p((number - low_) / low_) : std::log(ratio)) / log_width_);
  }
  return clamp01(wide_ ? (number / 2 - low_ / 2) / width_ : (number - low_) / width_);
}

double Domain::number_at(std::int64_t level) const {
  if (shape_ == Shape::integer) return static_cast<double>(integer_at(level));
  if (shape_ == Shape::choice) return static_cast<double>(level);
  if (levels_ == 1) return low_;
  // fma rounds low + k * step once; the declared bound wins over a rounding error above it.
  return std::min(std::fma(static_cast<double>(level), step_, low_), spec_->high) + 0.0;
}

std::int64_t Domain::integer_at(std::int64_t level) const { return spec_->int_low + level * int_step_; }

Value Domain::value_at(std::int64_t level) const {
  switch (shape_) {
    case Shape::real:
      return number_at(level);
    case Shape::integer:
      return integer_at(level);
    case Shape::choice:
      break;
  }
  return spec_->choices[static_cast<std::size_t>(level)];
}

void Domain::tabulate() {
  constexpr std::int64_t kMostLevels = 2048;
  if (!log_ || levels_ < 2 || levels_ > kMostLevels || !entries_.empty()) return;
  std::vector<double> entries;
  for (std::int64_t k = 0; k < levels_; ++k) entries.push_back(compute_entry(k));
  entries_ = std::move(entries);
}

double Domain::compute_entry(std::int64_t level) const {
  if (!entries_.empty()) return entries_[static_cast<std::size_t>(level)];
  if (log_) return place(number_at(level));
  // Both are exact up to 2^53 levels, so the quotient is the double nearest to the fraction, and different levels differ.
  return static_cast<double>(level) / static_cast<double>(levels_ - 1);
}

double Domain::entry(std::int64_t level) const {
  if (levels_ <= 1) return 0;
  level = std::clamp<std::int64_t>(level, 0, levels_ - 1);
  if (nominal_) return static_cast<double>(level);
  return compute_entry(level);
}

std::int64_t Domain::level(double entry) const {
  if (levels_ <= 1) return 0;
  if (nominal_) {
    if (!(entry > 0)) return 0;
    return entry >= high_ ? levels_ - 1 : static_cast<std::int64_t>(entry + 0.5);
  }
  entry = clamp01(entry);
  if (entry == 1) return levels_ - 1;
  if (log_ || levels_ > (std::int64_t{1} << 50)) return search_level(entry);
  return static_cast<std::int64_t>(entry * static_cast<double>(levels_ - 1) + 0.5);
}

std::int64_t Domain::search_level(double target) const {
  const double guess = log_ ? (number_at_place(target) - low_) / step_ : target * static_cast<double>(levels_ - 1);
  std::int64_t above = std::clamp<std::int64_t>(static_cast<std::int64_t>(guess), 0, levels_ - 1);
  if (well_spaced_) {
    // The guess is off by much less than a level, so the level below and the level above it enclose the target.
    if (above == levels_ - 1) return above;
    return target - compute_entry(above) > compute_entry(above + 1) - target ? above + 1 : above;
  }
  // Finds the lowest level whose entry reaches the target; that one or its predecessor is the nearest. Gallops away from the
  // guess until entry(below) < target <= entry(above).
  std::int64_t below = above;
  for (std::int64_t stride = 1; above < levels_ - 1 && compute_entry(above) < target; stride *= 2)
    above = std::min(above + stride, levels_ - 1);
  for (std::int64_t stride = 1; below >= 0 && compute_entry(below) >= target; stride *= 2) below -= std::min(stride, below + 1);
  while (above - below > 1) {
    const std::int64_t middle = below + (above - below) / 2;
    (compute_entry(middle) >= target ? above : below) = middle;
  }
  if (above == 0) return 0;
  const double upper = compute_entry(above);
  const double lower = compute_entry(above - 1);
  if (target - lower > upper - target) return above;
  // The predecessor is nearer, but may share its entry with lower levels: the lowest stands for them.
  if (above > 1 && compute_entry(above - 2) == lower) return search_level(lower);
  return above - 1;
}

double Domain::snap(double entry) const {
  if (levels_ > 0) return this->entry(level(entry));
  return quantize(entry);
}

double Domain::number(double entry) const { return levels_ > 0 ? number_at(level(entry)) : number_at_place(quantize(entry)); }

Value Domain::value(double entry) const {
  if (levels_ > 0) return value_at(level(entry));
  return number(entry);
}

Value Domain::value_of_number(double number) const {
  if (levels_ > 0) return value_at(level_of_number(number));
  return std::clamp(number, low_, high_) + 0.0;
}

std::int64_t Domain::level_of_integer(std::int64_t integer) const {
  if (integer <= spec_->int_low) return 0;
  if (integer >= spec_->int_high) return levels_ - 1;
  return std::min((integer - spec_->int_low + int_step_ / 2) / int_step_, levels_ - 1);
}

std::int64_t Domain::level_of_number(double number) const {
  if (!(number > low_) || levels_ <= 1) return 0;
  if (number >= high_) return levels_ - 1;
  // Within 2^53 a number rounds to an integer exactly; the distance to the lower bound may need more bits than a double has.
  if (shape_ == Shape::integer) return level_of_integer(std::llround(number));
  const double position = std::isfinite(number - low_) ? (number - low_) / step_ : (number / 2 - low_ / 2) / (step_ / 2);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(position + 0.5), 0, levels_ - 1);
}

double Domain::entry_of_number(double number) const {
  if (levels_ > 0) return entry(level_of_number(number));
  return snap(place(number));
}

std::optional<std::int64_t> Domain::find_choice(const Value& value) const {
  if (!choices_.empty()) {
    const auto found = choices_.find(value);
    return found == choices_.end() ? std::nullopt : std::optional(found->second);
  }
  const auto found = std::find(spec_->choices.begin(), spec_->choices.end(), value);
  if (found == spec_->choices.end()) return std::nullopt;
  return found - spec_->choices.begin();
}

std::optional<double> Domain::entry_of(const Value& value) const {
  if (shape_ == Shape::choice) {
    const auto level = find_choice(value);
    return level ? std::optional(entry(*level)) : std::nullopt;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (shape_ == Shape::real) return entry_of_number(static_cast<double>(*integer));
    return entry(level_of_integer(*integer));
  }
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr || std::isnan(*number)) return std::nullopt;
  if (shape_ == Shape::integer && std::isfinite(*number) && *number != std::trunc(*number)) return std::nullopt;
  return entry_of_number(*number);
}

std::optional<std::int64_t> Domain::exact_level(const Value& value) const {
  if (shape_ == Shape::choice) return find_choice(value);
  double number = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (*integer < -kMaxInteger || *integer > kMaxInteger) return std::nullopt;
    number = static_cast<double>(*integer);  // exact
  } else if (const auto* real = std::get_if<double>(&value)) {
    number = *real;
  } else {
    return std::nullopt;
  }
  if (!std::isfinite(number) || number < low_ - step_ || number > high_ + step_) return std::nullopt;
  const std::int64_t level = level_of_number(number);
  if (shape_ == Shape::integer) return number == number_at(level) ? std::optional(level) : std::nullopt;
  const double tolerance = spec_->step ? step_tolerance(spec_->low, spec_->high, *spec_->step) : 0;
  if (std::abs(number - number_at(level)) > tolerance || number > spec_->high) return std::nullopt;
  return level;
}

double Domain::smooth_number(double entry) const {
  if (levels_ == 1 || !numeric()) return low_;
  return number_at_place(entry);
}

double Domain::slope(double entry) const {
  if (levels_ == 1 || !numeric()) return 0;
  if (log_) return number_at_place(entry) * log_width_;
  return wide_ ? 2 * width_ : width_;
}

double Domain::from_uniform(double uniform) const {
  uniform = clamp01(uniform);
  if (levels_ == 0) return snap(uniform);
  if (levels_ == 1) return 0;
  if (!log_) {
    const auto level = static_cast<std::int64_t>(uniform * static_cast<double>(levels_));
    return entry(std::min(level, levels_ - 1));
  }
  const double from = std::log(std::max(low_ - step_ / 2, low_ / 2));
  const double to = std::log(high_ + step_ / 2);
  return entry(level_of_number(std::exp(from + uniform * (to - from))));
}

}  // namespace warpbo::space
