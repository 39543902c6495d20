#include "cli/display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

constexpr std::string_view kHide = "\x1b[?25l\x1b[?7l";  // no cursor, no wrapping
constexpr std::string_view kShow = "\x1b[?7h\x1b[?25h";

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

struct Size {
  std::size_t columns = 80, rows = 24;
};

Size terminal_size(int fd) {
  Size size;
  winsize window{};
  if (ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) size = {window.ws_col, window.ws_row};
  return size;
}

/// A line that is cut to the width before colours are put around it.
class Lines {
 public:
  Lines(std::size_t columns, Style style) : columns_(columns), style_(style) {}
  void add(const std::string& text, const char* colour = nullptr) {
    std::string line = fit_width(text, columns_, style_.unicode);
    if (colour != nullptr && style_.colour) line = std::string("\x1b[") + colour + "m" + line + "\x1b[0m";
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;

 private:
  std::size_t columns_;
  Style style_;
};

std::string bar(double share, std::size_t columns, bool unicode) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(columns) + 0.5);
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) out += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : ".");
  return out;
}

std::string progress_line(const RunView& view, bool unicode) {
  const std::int64_t done = view.complete + view.failed + view.pruned;
  std::string line = escape(view.study, 40) + "  ";
  if (view.budget)
    line += bar(static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(1, *view.budget)), 12, unicode) + " ";
  line += std::to_string(done) + (view.budget ? "/" + std::to_string(*view.budget) : "") + " done  " +
          std::to_string(view.running) + " running";
  if (view.failed > 0) line += "  " + std::to_string(view.failed) + " failed";
  if (view.waiting > 0) line += "  " + std::to_string(view.waiting) + " waiting";
  line += "  " + format_clock(view.elapsed);
  if (view.budget && view.finished_here > 0 && done < *view.budget) {
    const double rate = view.elapsed / static_cast<double>(view.finished_here);
    line += "  ETA " + format_clock(rate * static_cast<double>(*view.budget - done));
  }
  return line;
}

std::string model_line(const ModelSummary& model) {
  const auto ms = [](double seconds) { return brief_number(seconds * 1000, 3) + " ms"; };
  std::string line = "model " + model.kind + "  n=" + std::to_string(model.observations) + "  noise " +
                     brief_number(model.noise_variance, 2) + "  loo R2 " + brief_number(model.leave_one_out_r2, 2) + "  fit " +
                     ms(model.fit_seconds) + "  suggest " + ms(model.suggest_seconds);
  return model.device.empty() ? line : line + "  " + model.device;
}

}  // namespace

Style detect_style() {
  Style style;
  const std::string_view term = variable("TERM");
  style.colour = variable("NO_COLOR").empty() && term != "dumb" && !term.empty();
  std::string_view locale = variable("LC_ALL");
  if (locale.empty()) locale = variable("LC_CTYPE");
  if (locale.empty()) locale = variable("LANG");
  style.unicode = locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos ||
                  locale.find("utf-8") != std::string_view::npos;
  return style;
}

bool can_redraw(int fd) {
  const std::string_view term = variable("TERM");
  return isatty(fd) == 1 && term != "dumb" && !term.empty();
}

std::string describe(const Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    const double* number = std::get_if<double>(&value);
    const std::string text = number != nullptr ? brief_number(*number) : warpbo::to_string(value);
    out += (out.empty() ? "" : " ") + escape(name, 60) + "=" + escape(text, 60);
  }
  return out;
}

std::vector<std::string> render(const RunView& view, std::size_t columns, std::size_t rows, Style style) {
  Lines out(columns, style);
  out.add(progress_line(view, style.unicode), "1");
  if (view.best) {
    const std::string head = "best " + escape(view.metric, 40) + "=" + brief_number(*view.best->value, 6) + "  trial " +
                             std::to_string(view.best->number) + "  ";
    out.add(head + sparkline(view.trace, 24, style.unicode), "32");
    out.add("     " + describe(view.best->parameters));
  } else {
    out.add("best: none yet");
  }
  if (!view.model.kind.empty()) {
    out.add(model_line(view.model) + (view.asking > 1 ? "  proposing " + brief_number(view.asking, 2) + " s" : ""), "2");
  } else if (view.asking > 1) {
    out.add("proposing " + brief_number(view.asking, 2) + " s", "2");
  }
  // The running trials take what room is left.
  const std::size_t fixed = out.lines.size() + (view.last_failure.empty() ? 0 : 1) + (view.state.empty() ? 0 : 1) + 1;
  const std::size_t room = rows > fixed ? rows - fixed : 0;
  const std::size_t shown = view.here.size() <= room ? view.here.size() : (room > 0 ? room - 1 : 0);
  for (std::size_t i = 0; i < shown; ++i) {
    const RunView::Running& trial = view.here[i];
    std::string line = "#" + std::to_string(trial.number) + "  " + format_clock(trial.seconds);
    if (trial.attempt > 1) line += "  attempt " + std::to_string(trial.attempt);
    out.add(line + "  " + trial.parameters);
  }
  if (shown < view.here.size() && room > 0) out.add("... and " + std::to_string(view.here.size() - shown) + " more running");
  if (!view.last_failure.empty()) out.add("last failure: " + view.last_failure, "33");
  if (!view.state.empty()) out.add(view.state, "1;33");
  if (rows > 1 && out.lines.size() > rows - 1) out.lines.resize(rows - 1);
  return out.lines;
}

Screen::Screen(int fd, bool live, Style style) : fd_(fd), live_(live), style_(style) {}

Screen::~Screen() { clear(); }

/// A reader that is gone (a closed pipe or terminal) must not stop the sweep: what cannot be written is dropped.
void Screen::write(const std::string& bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Screen::draw(const RunView& view) {
  if (!live_) return;
  const Size size = terminal_size(fd_);
  const std::vector<std::string> lines = render(view, size.columns, size.rows, style_);
  std::string out;
  if (!hidden_) out += kHide;
  hidden_ = true;
  if (drawn_ > 1) out += "\x1b[" + std::to_string(drawn_ - 1) + "A";
  for (std::size_t i = 0; i < lines.size(); ++i) out += "\r\x1b[2K" + lines[i] + (i + 1 < lines.size() ? "\n" : "");
  out += "\x1b[J";
  drawn_ = lines.size();
  write(out);
}

void Screen::clear() {
  std::string out;
  if (drawn_ > 0) {
    if (drawn_ > 1) out += "\x1b[" + std::to_string(drawn_ - 1) + "A";
    out += "\r\x1b[J";
  }
  if (hidden_) out += kShow;
  drawn_ = 0;
  hidden_ = false;
  if (!out.empty()) write(out);
}

void Screen::resized() {
  if (drawn_ == 0) return;
  write("\r\x1b[J");
  drawn_ = 0;
}

void Screen::line(const std::string& text) {
  std::string out;
  if (drawn_ > 0) {
    if (drawn_ > 1) out += "\x1b[" + std::to_string(drawn_ - 1) + "A";
    out += "\r\x1b[J";
    drawn_ = 0;
  }
  write(out + text + "\n");
}

}  // namespace warpbo::cli
