/// What a Study consists of.
#pragma once

#include "samplers/shared_fit.hpp"
#include "study/history.hpp"
#include "study/notices.hpp"
#include "study/points.hpp"
#include "study/proposer.hpp"
#include "study/view.hpp"

#include <warpbo/study.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warpbo {

struct Study::Impl {
  Impl(std::shared_ptr<Storage> opened, StudyRecord found, const Space& space, const StudyOptions& options);

  const std::shared_ptr<Storage> store;
  const StudyRecord record;
  const study::Points points;
  study::Notices notices;
  study::View view;

  // One ask at a time: what one thread was given is pending for the next. Taken before the view's lock, never while that is
  // held; telling results does not need it.
  std::mutex asking;
  study::Proposer proposer;        // guarded by asking
  study::History history;          // guarded by asking
  std::vector<Trial> handed_back;  // guarded by asking: claimed, then not handed out, and the store refused to take them back

  mutable std::mutex model_mutex;
  ModelSummary model;  // guarded by model_mutex

  // The steps of one ask; study.cpp.
  AskOptions checked(const AskOptions& options) const;
  void notice_data();
  std::vector<Trial> hand_out_waiting(const AskOptions& wanted);
  std::vector<Trial> claim(std::int64_t count);
  std::optional<Trial> prepare(const Trial& claimed, const AskOptions& wanted);
  void refuse(const Trial& trial, const std::string& reason);
  void give_back(std::vector<Trial>& trials);
  std::vector<Trial> propose(const AskOptions& wanted, std::int64_t count, bool must_have_one);
  SuggestResult suggest(std::int64_t count, const Parameters& fixed, std::uint64_t draw);
  void settle_race(std::vector<Trial>& created, const Parameters& fixed, std::uint64_t expected);

  // What a fleet does with a study; sharing.cpp.
  /// The hyperparameter search with which an ask would begin, if others may make it.
  std::optional<samplers::SharedFit::Search> next_search(const AskOptions& wanted);
  void accept_search(const samplers::SharedFit::Search& search, const gp::FitReport& report);
  /// What the sampler keeps between asks; nothing while there is an ask.
  std::optional<std::size_t> model_bytes();
  /// Gives that back, unless there is an ask just now.
  void release_model();

  // Used by several parts; results.cpp and queries.cpp.
  Trial existing(std::int64_t number) const;
  void require_writable() const;
  void check_value(double value, const std::string& what) const;
  [[noreturn]] void no_best() const;
};

namespace study {

inline constexpr const char* kSpaceAttribute = "warpbo:space";
inline constexpr const char* kUuidAttribute = "warpbo:uuid";
inline constexpr const char* kOriginAttribute = "warpbo:origin";
inline constexpr const char* kDegradedAttribute = "warpbo:degraded";

/// Throws `invalid_argument` unless every key is usable and every text is JSON.
void check_attribute(std::string_view key, std::string_view json);

}  // namespace study

}  // namespace warpbo
