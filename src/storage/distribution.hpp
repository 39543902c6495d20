/// Between our parameter specifications and the distributions that Optuna's schema stores with every parameter value.
///
/// A stored parameter is one double (the internal value) and a distribution text:
///   real        FloatDistribution, the value itself
///   integer     IntDistribution, the value as double (exact within +-2^53)
///   categorical CategoricalDistribution, the index of the choice; ordinals likewise
///   constant    the narrowest that fits: FloatDistribution or IntDistribution with low == high, or a single choice
/// Optuna knows no step together with a logarithm: the step is left out then, which only widens the stored domain.
#pragma once

#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo::storage {

/// The distribution text of a parameter, byte for byte as Optuna 5 writes it.
[[nodiscard]] std::string distribution_text(const ParameterSpec& spec);

/// A distribution as a specification of kind real, integer or categorical. Nothing if the text is JSON but no distribution that
/// we know; throws `data_corrupt`, naming the store `label`, if it is not even JSON.
[[nodiscard]] std::optional<ParameterSpec> read_distribution(std::string_view name, std::string_view text,
                                                             std::string_view label);

/// The stored number of a value. Nothing if the value has another type or is none of the choices.
[[nodiscard]] std::optional<double> to_internal(const ParameterSpec& spec, const Value& value);

/// The value of a stored number: `written` says how it was stored, `spec` which type is wanted. Nothing if they do not go
/// together.
[[nodiscard]] std::optional<Value> from_internal(const ParameterSpec& spec, const ParameterSpec& written, double internal);

/// The value as the parameter's type: an integer becomes a real where one is wanted, an integral real an integer; a choice
/// keeps the declared one's type if it is equal as a number. Nothing if it has no such type.
[[nodiscard]] std::optional<Value> as_declared(const ParameterSpec& spec, const Value& value);

/// The parameters in the space's order with the declared types. Throws `invalid_argument` for an unknown name or a wrong type.
[[nodiscard]] Parameters normalize(const Space& space, const Parameters& parameters);

/// Widens `seen` to hold `other` as well: limits and choices are united, a step survives only if both agree.
void unite(ParameterSpec& seen, const ParameterSpec& other);

}  // namespace warpbo::storage
