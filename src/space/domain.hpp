/// One parameter's values and their places ("entries") in a row of the encoder.
#pragma once

#include <warpbo/space.hpp>

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace warpbo::space {

/// Continuous entries are multiples of a quantum: this one, or a larger power of two where the range holds too few doubles. It
/// is coarse enough that value -> entry -> value -> entry gives the same entry again although each conversion rounds, and fine
/// enough that no objective can tell.
inline constexpr double kEntryQuantum = 0x1p-48;

class Domain {
 public:
  /// `spec` must have passed check_spec and must outlive the domain.
  explicit Domain(const ParameterSpec& spec);

  /// Keeps the entries of a small logarithmic grid, for owners that look levels up often.
  void tabulate();

  [[nodiscard]] const ParameterSpec& spec() const noexcept { return *spec_; }
  [[nodiscard]] bool numeric() const noexcept { return shape_ != Shape::choice; }
  /// Values without number: the entries are the multiples of a quantum.
  [[nodiscard]] bool continuous() const noexcept { return levels_ == 0; }
  /// Exactly one value: such a parameter gets no column.
  [[nodiscard]] bool single() const noexcept { return levels_ == 1; }
  /// How many values there are; 0 for continuous.
  [[nodiscard]] std::int64_t levels() const noexcept { return levels_; }
  /// Whether entries are level numbers (categorical) instead of places in [0, 1].
  [[nodiscard]] bool nominal() const noexcept { return nominal_; }
  /// The smallest and the largest value, in the user's units (numeric parameters only).
  [[nodiscard]] double low() const noexcept { return low_; }
  [[nodiscard]] double high() const noexcept { return high_; }
  [[nodiscard]] bool log() const noexcept { return log_; }
  /// log(high / low) of a logarithmic parameter.
  [[nodiscard]] double log_width() const noexcept { return log_width_; }

  /// The entry that decoding and encoding again would give. NaN counts as 0.
  [[nodiscard]] double snap(double entry) const;
  /// The level nearest to an entry, and a level's entry. Not for continuous domains. Where a range has more integers than [0,
  /// 1] has doubles (beyond 2^53 values, logarithmic ones beyond about 2^46), neighbours share an entry, and the lowest of them
  /// (at the end of the range: the highest) stands for all.
  [[nodiscard]] std::int64_t level(double entry) const;
  [[nodiscard]] double entry(std::int64_t level) const;
  /// The number at a level, exact for integers.
  [[nodiscard]] double number_at(std::int64_t level) const;
  [[nodiscard]] std::int64_t integer_at(std::int64_t level) const;
  [[nodiscard]] Value value_at(std::int64_t level) const;

  /// The exact value of an entry, after snapping, as a number (numeric parameters) and as a Value (all).
  [[nodiscard]] double number(double entry) const;
  [[nodiscard]] Value value(double entry) const;
  /// A number as a value of this parameter (numeric parameters): clamped, and rounded to the nearest level if there are levels.
  [[nodiscard]] Value value_of_number(double number) const;

  /// The entry of a number, clamped; the nearest level's if there are levels.
  [[nodiscard]] double entry_of_number(double number) const;
  /// The level nearest to a number.
  [[nodiscard]] std::int64_t level_of_number(double number) const;
  /// The entry of a value; nothing for an unknown choice, a wrong type or NaN.
  [[nodiscard]] std::optional<double> entry_of(const Value& value) const;
  /// The level of a value that is exactly in the domain (stepped reals: up to rounding); nothing otherwise. Not for continuous
  /// domains.
  [[nodiscard]] std::optional<std::int64_t> exact_level(const Value& value) const;
  /// The level of a choice.
  [[nodiscard]] std::optional<std::int64_t> find_choice(const Value& value) const;

  /// The number at any entry in [0, 1] without snapping, and its derivative: levels are treated as a continuum.
  [[nodiscard]] double smooth_number(double entry) const;
  [[nodiscard]] double slope(double entry) const;

  /// The entry for a uniform number in [0, 1), such that every value is drawn with the probability that the scale gives it:
  /// levels alike, integers on a logarithmic scale by the logarithmic width of [v - 1/2, v + 1/2].
  [[nodiscard]] double from_uniform(double uniform) const;

 private:
  enum class Shape { real, integer, choice };

  [[nodiscard]] std::int64_t level_of_integer(std::int64_t integer) const;
  void prepare_scale();
  [[nodiscard]] double quantize(double entry) const;
  [[nodiscard]] double place(double number) const;
  [[nodiscard]] double number_at_place(double place) const;
  [[nodiscard]] std::int64_t search_level(double entry) const;
  [[nodiscard]] double compute_entry(std::int64_t level) const;

  const ParameterSpec* spec_;
  Shape shape_ = Shape::real;
  bool log_ = false;
  bool nominal_ = false;
  bool wide_ = false;  // high - low overflows: arithmetic on halves
  double quantum_ = kEntryQuantum;
  bool well_spaced_ = false;  // the levels of a logarithmic grid are far apart, compared with rounding errors
  bool split_log_ = false;    // high / low overflows: differences of logarithms instead of ratios
  std::int64_t levels_ = 0;
  std::int64_t int_step_ = 1;
  double low_ = 0, high_ = 0;  // high_ is the largest value that the step allows
  double step_ = 0;            // in numbers; 0 for continuous
  double width_ = 0;           // high_ - low_, of halves if wide_
  double log_low_ = 0, log_width_ = 0;
  std::vector<double> entries_;  // of every level, if tabulated
  std::unordered_map<Value, std::int64_t> choices_;
};

}  // namespace warpbo::space
