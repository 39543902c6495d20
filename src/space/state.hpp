/// What a Space consists of.
#pragma once

#include <warpbo/space.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace warpbo {

struct Space::State {
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>{}(name); }
  };

  std::vector<ParameterSpec> parameters;
  std::vector<std::string> constraints;
  std::unordered_map<std::string, std::size_t, NameHash, std::equal_to<>> index;  // by name
};

}  // namespace warpbo
