#include "study/notices.hpp"

namespace warpbo::study {

namespace {

/// Different sentences beyond this number are not remembered apart; it bounds the memory of a study that runs for months.
constexpr std::size_t kMaxCauses = 1000;

/// The sentence with every number replaced by one mark.
std::string without_numbers(std::string_view sentence) {
  std::string out;
  bool in_number = false;
  for (const char c : sentence) {
    const bool digit = (c >= '0' && c <= '9') || (in_number && c == '.');
    if (digit && !in_number) out += '#';
    if (!digit) out += c;
    in_number = digit;
  }
  return out;
}

}  // namespace

void Notices::add(std::string_view sentence) { add(without_numbers(sentence), sentence); }

void Notices::add(std::string_view cause, std::string_view sentence) {
  if (!receiver_) return;
  const std::lock_guard lock(mutex_);
  if (causes_.size() >= kMaxCauses || !causes_.emplace(cause).second) return;
  queue_.emplace_back(sentence);
}

void Notices::deliver() noexcept {
  if (!receiver_) return;
  try {
    std::vector<std::string> sentences;
    {
      const std::lock_guard lock(mutex_);
      sentences.swap(queue_);
    }
    for (const std::string& sentence : sentences) receiver_(sentence);
  } catch (...) {
    // See the header: nothing that a receiver does may cost a trial.
  }
}

}  // namespace warpbo::study
