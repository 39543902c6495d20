#include "samplers/region.hpp"

#include "base/text.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace warpbo::samplers {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

bool is_number(const ParameterSpec& spec) { return spec.kind == ParameterKind::real || spec.kind == ParameterKind::integer; }

/// A number in the parameter's own type; other values unchanged.
Value in_declared_type(const ParameterSpec& spec, const Value& value) {
  if (spec.kind == ParameterKind::real) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  }
  if (spec.kind == ParameterKind::integer) {
    if (const auto* real = std::get_if<double>(&value)) return static_cast<std::int64_t>(*real);
  }
  return value;
}

}  // namespace

Region::Region(const space::Encoder& encoder, const Parameters& fixed)
    : encoder_(encoder), fixed_(encoder.dimensions()), column_of_(encoder.space().parameters().size(), kNone) {
  for (std::size_t c = 0; c < encoder.dimensions(); ++c) column_of_[encoder.columns()[c].parameter] = c;
  bool numbers = false;
  for (const auto& [name, value] : fixed) {
    const ParameterSpec* spec = encoder.space().find(name);
    if (spec == nullptr) {
      throw Error(ErrorCode::invalid_argument, "fixed value for " + text::quote(name) + ": the space has no such parameter");
    }
    fix(*spec, value);
    numbers = numbers || is_number(*spec);
  }
  if (numbers && encoder.constrained()) restrict_to_fixed_numbers(values_);
}

void Region::fix(const ParameterSpec& spec, const Value& value) {
  // The parameter's own little space checks and encodes the value, whatever its condition.
  ParameterSpec alone = spec;
  alone.condition.clear();
  Space single;
  single.add(alone);
  if (const auto problem = single.check({{spec.name, value}})) {
    throw Error(ErrorCode::invalid_argument,
                "fixed value " + to_string(value) + " for " + text::quote(spec.name) + " is not in the space: " + *problem);
  }
  values_.set(spec.name, in_declared_type(spec, value));
  const auto index = static_cast<std::size_t>(&spec - encoder_.space().parameters().data());
  if (column_of_[index] == kNone) return;  // a constant: it has this value anyway
  double encoded = 0;
  space::Encoder(single).encode({{spec.name, values_.at(spec.name)}}, {&encoded, 1});
  fixed_[column_of_[index]] = encoded;
}

void Region::restrict_to_fixed_numbers(const Parameters& fixed) {
  Space reduced;
  for (const ParameterSpec& spec : encoder_.space().parameters()) {
    ParameterSpec copy = spec;
    const Value* value = fixed.find(spec.name);
    if (value != nullptr && is_number(spec)) {
      copy.log = false;
      copy.step.reset();
      copy.int_step.reset();
      if (spec.kind == ParameterKind::real) {
        copy.low = copy.high = std::get<double>(*value);
      } else {
        copy.int_low = copy.int_high = std::get<std::int64_t>(*value);
      }
    }
    reduced.add(copy);
  }
  for (const std::string& constraint : encoder_.space().constraints()) reduced.constrain(constraint);
  try {
    restricted_.emplace(reduced);
  } catch (const Error& error) {
    throw Error(ErrorCode::invalid_argument, std::string("the fixed values leave no point of the space: ") + error.what());
  }
}

void Region::impose(std::span<double> row) const {
  for (std::size_t c = 0; c < fixed_.size(); ++c) {
    if (fixed_[c]) row[c] = *fixed_[c];
  }
  encoder_.snap(row);
}

bool Region::admits(std::span<const double> row) const {
  if (!values_.empty()) {
    for (std::size_t c = 0; c < fixed_.size(); ++c) {
      // Within rounding: decode() gives the exact value back.
      if (fixed_[c] && !(std::fabs(row[c] - *fixed_[c]) <= 1e-9)) return false;
    }
    if (encoder_.conditional()) {
      std::vector<unsigned char> active(dimensions());
      encoder_.activity(row, active);
      for (std::size_t c = 0; c < fixed_.size(); ++c) {
        if (fixed_[c] && active[c] == 0) return false;
      }
    }
  }
  return !encoder_.constrained() || encoder_.feasible(row);
}

bool Region::draw(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const {
  if (!has_fixed()) return encoder_.sample(uniforms, seed, row);
  if (restricted_) {
    if (!draw_restricted(uniforms, seed, row)) return false;
  } else {
    // Where a constraint makes the encoder redraw, the fixed categories should come first; numbers are overwritten anyway.
    std::vector<double> steered(uniforms.begin(), uniforms.end());
    for (std::size_t c = 0; c < fixed_.size(); ++c) {
      const space::Column& column = encoder_.columns()[c];
      if (fixed_[c] && column.kind == space::ColumnKind::categorical) {
        steered[c] = (*fixed_[c] + 0.5) / static_cast<double>(column.levels);
      }
    }
    if (!encoder_.sample(steered, seed, row)) return false;
  }
  impose(row);
  return admits(row);
}

bool Region::draw_restricted(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const {
  const auto& columns = restricted_->columns();
  std::vector<double> part(columns.size()), point(columns.size());
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const std::size_t c = column_of_[columns[j].parameter];
    part[j] = uniforms[c];
    if (fixed_[c]) part[j] = (*fixed_[c] + 0.5) / static_cast<double>(std::max<std::int64_t>(columns[j].levels, 1));
  }
  return restricted_->sample(part, seed, point) && encoder_.encode(restricted_->decode(point), row);
}

Parameters Region::decode(std::span<const double> row) const {
  Parameters parameters = encoder_.decode(row);
  for (const auto& [name, value] : values_) {
    if (parameters.contains(name)) parameters.set(name, value);
  }
  return parameters;
}

}  // namespace warpbo::samplers
