/// The search space: what may be varied, between which limits, and under which conditions.
///
///     warpbo::Space space;
///     space.real("lr", 1e-5, 1e-1).log();
///     space.integer("width", 16, 256).step(16);
///     space.categorical("opt", {"sgd", "adam"});
///     space.real("momentum", 0.0, 0.99).when("opt == 'sgd'");
///     space.constrain("lr + 0.001 * width <= 0.2");
///
/// Every value that warpbo hands out lies exactly in its domain: bounds are never overshot, a stepped parameter takes exactly
/// the values low + k * step (the double nearest to it, and `high` itself where only rounding keeps a multiple from it),
/// integers are exact over the whole range of +-2^53.
///
/// Names have 1 to 200 bytes of UTF-8, no control characters and no space at either end; otherwise they are opaque. In
/// conditions and constraints, a name that is not an identifier (letters, digits, '_' and '.') stands in backticks: "`learning
/// rate` <= 0.1". A parameter with one value only (low == high, one choice, a step beyond the range) is handed out with every
/// trial and unknown to the model.
#pragma once

#include <warpbo/export.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo {

enum class ParameterKind {
  real,         ///< double in [low, high]
  integer,      ///< std::int64_t in [low, high]
  categorical,  ///< one of `choices`, without order
  ordinal,      ///< one of `choices`, ordered as listed
  constant,     ///< always `choices[0]`; handed out with every trial, unknown to the model
};

/// One parameter as declared. Read-only for users; `Space`'s builder methods fill it.
struct WARPBO_EXPORT ParameterSpec {
  std::string name;
  ParameterKind kind = ParameterKind::real;
  double low = 0, high = 1;                ///< real
  std::int64_t int_low = 0, int_high = 1;  ///< integer
  bool log = false;                        ///< uniform in the logarithm
  std::optional<double> step;              ///< real: low, low + step, ... <= high
  std::optional<std::int64_t> int_step;    ///< integer, likewise
  std::vector<Value> choices;              ///< categorical, ordinal, constant
  std::string condition;                   ///< empty, or for example "opt == 'sgd'"; the parameter exists only when it holds
  friend bool operator==(const ParameterSpec&, const ParameterSpec&) = default;
};

/// Refines the parameter just added. Every method throws `invalid_argument`, naming the parameter, when it does not fit.
class WARPBO_EXPORT ParameterBuilder {
 public:
  /// Search uniformly in the logarithm; needs low > 0 (integers: low >= 1).
  ParameterBuilder& log();
  /// Restrict a real or integer parameter to low + k * step. If the step does not divide the range, the largest value is the
  /// last multiple below `high`.
  ParameterBuilder& step(double step);
  /// The parameter exists only when the condition holds: "opt == 'sgd'", "layers >= 2", "opt in ['sgd', 'rmsprop']", joined
  /// with `and`. Operators: == != < <= > >= in [...]; text stands in single or double quotes, where a backslash escapes a quote
  /// or a backslash. It may name only parameters declared before it; if one of those is itself absent, so is this one. Refused:
  /// a value that the parent cannot take, == on a real without step, an order on a categorical.
  ParameterBuilder& when(std::string_view condition);
  /// The same as `when(parent == value)`.
  ParameterBuilder& when(std::string_view parent, const Value& value);

 private:
  friend class Space;
  ParameterBuilder(class Space* space, std::size_t index) : space_(space), index_(index) {}
  class Space* space_;
  std::size_t index_;
};

/// A search space. A regular value type: copyable, comparable.
class WARPBO_EXPORT Space {
 public:
  Space();
  ~Space();
  Space(const Space&);
  Space(Space&&) noexcept;
  Space& operator=(const Space&);
  Space& operator=(Space&&) noexcept;

  /// Adds a real parameter in [low, high]. low == high makes it a constant. Throws `invalid_argument` for NaN or infinite
  /// bounds, low > high, a duplicate or invalid name.
  ParameterBuilder real(std::string_view name, double low, double high);
  /// Adds an integer parameter in [low, high], both within +-2^53.
  ParameterBuilder integer(std::string_view name, std::int64_t low, std::int64_t high);
  /// Adds a choice without order. Duplicates throw; `1`, `1.0`, `"1"` and `true` count as different.
  ParameterBuilder categorical(std::string_view name, std::vector<Value> choices);
  /// The same for string literals, which would otherwise convert to bool.
  ParameterBuilder categorical(std::string_view name, std::initializer_list<const char*> choices);
  /// Adds an ordered choice, lowest first.
  ParameterBuilder ordinal(std::string_view name, std::vector<Value> choices);
  ParameterBuilder ordinal(std::string_view name, std::initializer_list<const char*> choices);
  /// Adds a categorical with the choices false and true.
  ParameterBuilder boolean(std::string_view name);
  /// Adds a fixed value that every trial carries.
  ParameterBuilder constant(std::string_view name, Value value);

  /// Adds a parameter from a complete specification (the way configuration files and stores do); checks it like the builders.
  void add(ParameterSpec spec);

  /// Adds a linear constraint over real and integer parameters, such as "x1 + x2 <= 1" or "2 * a - b >= 0.5 * c" or "x + y ==
  /// 1". A constraint that mentions an absent conditional parameter does not apply to that trial. The parameters must be
  /// declared before. An equality is solved for one of its parameters, preferably a real one; it holds up to rounding.
  void constrain(std::string_view linear_inequality);

  [[nodiscard]] const std::vector<ParameterSpec>& parameters() const noexcept;
  [[nodiscard]] const std::vector<std::string>& constraints() const noexcept;
  /// The specification of a parameter, or nullptr.
  [[nodiscard]] const ParameterSpec* find(std::string_view name) const noexcept;

  /// Checks the whole: at least one parameter, conditions resolvable, constraints satisfiable (by linear programming). Throws
  /// `invalid_argument` with the fix. `Study` calls it.
  void validate() const;

  /// Why these values are not a point of the space, or nothing if they are. Values must have the declared type; an integral
  /// double is accepted for an integer.
  [[nodiscard]] std::optional<std::string> check(const Parameters& parameters) const;

  /// How many distinct points the space has, or nothing when a continuous parameter makes it infinite or the count passes 2^62.
  /// Linear constraints are not counted out.
  [[nodiscard]] std::optional<std::int64_t> cardinality() const;

  /// The space as one line of JSON, and back. Reading throws `invalid_argument`.
  [[nodiscard]] std::string to_json() const;
  static Space from_json(std::string_view json);

  friend WARPBO_EXPORT bool operator==(const Space&, const Space&);

 private:
  friend class ParameterBuilder;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace warpbo
