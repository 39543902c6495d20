#include <warpbo/error.hpp>

namespace warpbo {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_finished: return "already_finished";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::lease_lost: return "lease_lost";
    case ErrorCode::exhausted: return "exhausted";
    case ErrorCode::need_more_data: return "need_more_data";
    case ErrorCode::resource_exhausted: return "resource_exhausted";
    case ErrorCode::data_corrupt: return "data_corrupt";
    case ErrorCode::version_too_new: return "version_too_new";
    case ErrorCode::read_only: return "read_only";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

}  // namespace warpbo
