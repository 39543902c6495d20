/// What a person sees while a sweep runs.
#pragma once

#include <warpbo/sampler.hpp>
#include <warpbo/trial.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace warpbo::cli {

/// Everything the display shows, gathered by the runner.
struct RunView {
  std::string study, metric;
  Direction direction = Direction::minimize;
  std::int64_t complete = 0, failed = 0, pruned = 0, running = 0, waiting = 0;  ///< of the whole study
  std::int64_t finished_here = 0;                                               ///< by this process
  std::optional<std::int64_t> budget;
  double elapsed = 0;  ///< seconds
  std::optional<Trial> best;
  std::vector<double> trace;  ///< best so far, after each complete trial
  struct Running {
    std::int64_t number = 0;
    int attempt = 1;
    double seconds = 0;
    std::string parameters;
  };
  std::vector<Running> here;  ///< trials of this process
  ModelSummary model;
  double asking = 0;  ///< seconds since a proposal was asked for; 0: none is
  std::string last_failure;
  std::string state;  ///< "draining ..." or empty
};

struct Style {
  bool unicode = true;
  bool colour = true;
};

/// From the environment: NO_COLOR, TERM, and whether LC_ALL, LC_CTYPE or LANG names UTF-8.
[[nodiscard]] Style detect_style();
/// Whether a block can be redrawn on this descriptor: a terminal that is not dumb.
[[nodiscard]] bool can_redraw(int fd);

/// The block as lines that fit `columns` x `rows`.
[[nodiscard]] std::vector<std::string> render(const RunView& view, std::size_t columns, std::size_t rows, Style style);

/// "lr=0.001 width=64", escaped.
[[nodiscard]] std::string describe(const Parameters& parameters);

/// Writes to the terminal: a block that is redrawn in place, and lines that scroll by above it.
class Screen {
 public:
  /// `live` false: only lines are written.
  Screen(int fd, bool live, Style style);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] bool live() const noexcept { return live_; }
  [[nodiscard]] Style style() const noexcept { return style_; }
  void draw(const RunView& view);
  void line(const std::string& text);
  /// Takes the block away and gives the terminal back: before the end, and before the process is stopped.
  void clear();
  /// The size changed: what stands on the screen may be wrapped.
  void resized();

 private:
  void write(const std::string& bytes);
  int fd_;
  bool live_;
  Style style_;
  std::size_t drawn_ = 0;  ///< lines of the block on the screen
  bool hidden_ = false;    ///< the cursor
};

}  // namespace warpbo::cli
