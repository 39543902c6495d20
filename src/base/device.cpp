#include "base/text.hpp"

#include <warpbo/device.hpp>
#include <warpbo/error.hpp>

namespace warpbo {

Device Device::parse(std::string_view text) {
  if (text == "auto") return automatic();
  if (text == "cpu") return cpu();
  if (text == "cuda") return cuda(0);
  if (text.starts_with("cuda:")) {
    const auto index = text::parse_integer(text.substr(5));
    if (index && *index >= 0 && *index < 1024) return cuda(static_cast<int>(*index));
  }
  throw Error(ErrorCode::invalid_argument,
              "device " + text::quote(text) + " is not known; use \"auto\", \"cpu\", \"cuda\" or \"cuda:INDEX\"");
}

std::string Device::name() const {
  switch (kind_) {
    case Kind::automatic: return "auto";
    case Kind::cpu: return "cpu";
    case Kind::cuda: return "cuda:" + std::to_string(index_);
  }
  return "auto";
}

}  // namespace warpbo
