/// Errors of the public interface.
///
/// Misuse, I/O failures and a lost device are reported by throwing `warpbo::Error`, whose text names what was wrong, where, and
/// how to fix it. Numeric trouble (a covariance matrix that cannot be factored, a flat acquisition) is never an error:
/// `Study::ask` degrades and records that it did.
#pragma once

#include <warpbo/export.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace warpbo {

/// The closed set of reasons for which an operation can fail.
enum class ErrorCode {
  invalid_argument,    ///< the caller's input is wrong; the text names the parameter, the value and the fix
  not_found,           ///< no such study, trial or parameter
  already_finished,    ///< the trial has a different result already; the first one was kept
  conflict,            ///< the stored study differs from what was asked for (another space, another direction)
  lease_lost,          ///< another worker owns the trial now
  exhausted,           ///< every point of a finite space was proposed
  need_more_data,      ///< no finished trial to answer from
  resource_exhausted,  ///< disk full, out of memory, too many files
  data_corrupt,        ///< the store's contents are damaged
  version_too_new,     ///< the store was written by a newer program
  read_only,           ///< the store cannot be written
  unavailable,         ///< a device, file or database cannot be reached
  cancelled,           ///< the caller asked to stop
  internal,            ///< a defect of warpbo
};

/// The code's name in snake_case, for example "invalid_argument".
WARPBO_EXPORT std::string_view to_string(ErrorCode code) noexcept;

/// The one exception type that warpbo throws.
class WARPBO_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace warpbo
