/// Search spaces in words.
#pragma once

#include <warpbo/space.hpp>

#include <string>
#include <vector>

namespace warpbo::space {

/// One line for people: "lr: real 1e-05 .. 0.1, log", "width: integer 16 .. 256, step 16", "opt: categorical \"sgd\",
/// \"adam\"", "momentum: real 0 .. 0.99, when opt == 'sgd'".
[[nodiscard]] std::string describe(const ParameterSpec& spec);

/// What differs between the space of a stored study and the one asked for, one sentence per difference; empty if they are
/// equal. "parameter \"lr\": stored as real 1e-05 .. 0.1, log; asked for as real 1e-05 .. 1, log".
[[nodiscard]] std::vector<std::string> differences(const Space& stored, const Space& asked);

}  // namespace warpbo::space
