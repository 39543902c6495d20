/// Parameter values from text: the command line, CSV files, enqueued points.
#pragma once

#include <warpbo/space.hpp>

#include <string_view>

namespace warpbo::space {

/// The value that a person means by this text for this parameter. Reals: a number in C notation, whatever the locale. Integers:
/// "5", also "1e5" and "5.0" but not "5.5". Choices: the label exactly; true and false also as 1 and 0, numbers also in another
/// notation ("0.10" for 0.1), as long as one choice fits only. Throws `invalid_argument`, naming the parameter, the text and
/// the fix. Only the type is looked at; Space::check tells whether the value is in the domain.
[[nodiscard]] Value parse_value(const ParameterSpec& spec, std::string_view text);

}  // namespace warpbo::space
