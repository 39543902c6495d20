/// Search spaces made at random, for tests of properties.
#pragma once

#include <warpbo/space.hpp>

#include <cstdint>
#include <random>
#include <string>

namespace warpbo::samplers {

struct RandomSpaceOptions {
  bool conditions = true;
  bool constraints = true;
  bool continuous = true;
};

/// One to seven parameters of all kinds; children of categoricals and of integers; at most two constraints over reals.
inline Space random_space(std::uint64_t seed, const RandomSpaceOptions& options = {}) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t count) { return random() % count; };
  Space space;
  std::string parent, condition;
  const std::size_t count = 1 + below(7);
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "p" + std::to_string(i);
    const bool child = options.conditions && !condition.empty() && below(2) == 0;
    const auto finish = [&](ParameterBuilder builder) {
      if (child) builder.when(condition);
      return builder;
    };
    switch (below(8)) {
      case 0:
      case 1:
        if (options.continuous) {
          finish(space.real(name, -5, 10));
          if (!child) plain.push_back(name);
          break;
        }
        [[fallthrough]];
      case 2:
        finish(space.real(name, 0.1, 2.3).step(0.25));
        break;
      case 3:
        if (options.continuous) {
          finish(space.real(name, 1e-6, 1e-1).log());
          break;
        }
        [[fallthrough]];
      case 4:
        finish(space.integer(name, 1, 9));
        if (!child) condition = name + " >= 4";
        break;
      case 5:
        finish(space.categorical(name, {"a", "b", "c"}));
        if (!child || below(2) == 0) condition = name + " in ['a', 'c']";
        break;
      case 6:
        finish(space.ordinal(name, {"low", "middle", "high", "top"}));
        break;
      default:
        finish(space.boolean(name));
        break;
    }
  }
  if (below(4) == 0) space.constant("always", std::int64_t{42});
  if (options.constraints && plain.size() >= 2) {
    space.constrain(plain[0] + " + 2 * " + plain[1] + " <= 3");
    if (below(2) == 0) space.constrain(plain[0] + " - " + plain[1] + " >= -6");
  }
  return space;
}

}  // namespace warpbo::samplers
