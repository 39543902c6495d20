/// Finding the objective's value in what a command leaves behind.
///
/// The rule. On standard output, a line gives the metric `loss` when it is one of
///   - a JSON object that has the key:  {"epoch": 3, "loss": 0.31}   (dots reach into nested objects: val.loss);
///   - the name, '=' or ':', a number:  epoch 3 loss=0.31 acc=0.9    val loss: 3.1e-1    "loss": NaN
/// The name must stand by itself (`val_loss=1` is not `loss`), the number is in C notation or nan/inf/infinity in any case, and
/// it must end there: "1,5", "0x1f", "1.2.3" and "12abc" are refused; a percent sign may follow. **The last match wins.** Lines
/// longer than 64 KiB are read in pieces. Colour sequences are ignored.
///
/// If the command writes the file named by the variable WARPBO_RESULT_FILE, that file is read by the same rule (or as one bare
/// number) and standard output is not looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace warpbo::cli {

struct MetricRule {
  enum class Source {
    automatic,        ///< the result file if the command wrote it, otherwise standard output
    standard_output,  ///< standard output only
    file,             ///< a file only: `path`, or WARPBO_RESULT_FILE when that is empty
    regex,            ///< the last match of `regex` in the last MiB of standard output; its one group is the number
  };
  Source source = Source::automatic;
  std::string name;   ///< the metric's name, for example "val_loss"
  std::string path;   ///< for `file`; may hold templates
  std::string regex;  ///< ECMAScript, exactly one group
};

/// Throws `invalid_argument` when the regular expression does not compile or has not exactly one group.
void check_regex(const std::string& regex);

/// What was found so far.
struct MetricMatch {
  std::optional<double> value;  ///< the last match; may be NaN or infinite
  std::string near_miss;        ///< the last piece that began like the metric but held no number, or empty
};

/// Looks through one line. Returns true if it matched.
bool match_line(std::string_view line, std::string_view name, MetricMatch& match);
/// Looks through a whole text, such as a result file: a bare number, a JSON object over several lines, or lines as above.
[[nodiscard]] MetricMatch match_text(std::string_view text, std::string_view name);
/// The last match of a regular expression.
[[nodiscard]] MetricMatch match_regex(std::string_view text, const std::string& regex);

/// Reads a stream piece by piece in constant memory.
class MetricScanner {
 public:
  explicit MetricScanner(std::string name) : name_(std::move(name)) {}
  void feed(std::string_view chunk);
  /// Call at the end of the stream: the last line may lack its newline.
  void finish();
  [[nodiscard]] const MetricMatch& match() const noexcept { return match_; }
  /// The last line that was not blank, cut to a few hundred bytes.
  [[nodiscard]] const std::string& last_line() const noexcept { return last_line_; }

 private:
  void line(std::string_view text);
  std::string name_;
  std::string buffer_;
  std::string last_line_;
  MetricMatch match_;
};

}  // namespace warpbo::cli
