/// Parameters in one word, as the command line and a short sweep file write them.
///
///     lr=1e-5..1e-1           real                  lr=log:1e-5..1e-1     real, searched in the logarithm
///     x=0..1:0.25             real with step        width=int:16..256:16  integer with step
///     n=logint:1..1000        integer, logarithmic  opt=sgd,adam          one of these (also choice:sgd)
///     size=ordinal:s,m,l      ordered choice        flag=bool             false or true
///     seed=value:7            constant
///     momentum="0..0.99 when opt == 'sgd'"          exists only under the condition
///
/// Choices that all read as integers, as numbers or as true/false get that type; quotes keep a word a string ('1','2').
#pragma once

#include <warpbo/space.hpp>

#include <string>
#include <string_view>

namespace warpbo::cli {

/// Reads "name=spec". Throws `invalid_argument` naming the parameter, what was not understood and the forms there are.
[[nodiscard]] ParameterSpec parse_param(std::string_view text);
/// Reads the part behind '='.
[[nodiscard]] ParameterSpec parse_param_spec(std::string_view name, std::string_view spec);
/// The specification as the value of a key in a sweep file's [params], for example `{ float = [0.0, 1.0], log = true }`.
[[nodiscard]] std::string to_toml(const ParameterSpec& spec);
/// A string as TOML writes it.
[[nodiscard]] std::string toml_string(std::string_view text);

/// Reads "name=value" as a value of that parameter of the space. Throws `invalid_argument` with the domain.
[[nodiscard]] Parameters::Entry parse_assignment(const Space& space, std::string_view text);

}  // namespace warpbo::cli
