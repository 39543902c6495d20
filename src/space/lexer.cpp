#include "space/lexer.hpp"

#include "base/text.hpp"
#include "space/spec.hpp"

namespace warpbo::space {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Lexer::Lexer(std::string_view source, std::string what) : source_(source), what_(std::move(what)) { advance(); }

Lexer::Token Lexer::take() {
  Token taken = std::move(token_);
  advance();
  return taken;
}

bool Lexer::accept(std::string_view symbol) {
  if (token_.kind != Kind::symbol || token_.text != symbol) return false;
  advance();
  return true;
}

bool Lexer::at_word(std::string_view word) const noexcept {
  return token_.kind == Kind::name && !token_.quoted && token_.text == word;
}

bool Lexer::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  advance();
  return true;
}

void Lexer::fail(std::size_t position, const std::string& message) const {
  invalid(what_ + " " + text::quote(source_, 200) + ", at position " + std::to_string(position + 1) + ": " + message);
}

void Lexer::expected(const std::string& wanted) const {
  std::string found = "the end";
  if (token_.kind == Kind::string) found = "the string " + text::quote(token_.text, 40);
  if (token_.kind == Kind::name || token_.kind == Kind::number || token_.kind == Kind::symbol)
    found = text::quote(token_.text, 40);
  fail(token_.position, "expected " + wanted + ", found " + found);
}

void Lexer::advance() {
  while (next_ < source_.size() &&
         (source_[next_] == ' ' || source_[next_] == '\t' || source_[next_] == '\n' || source_[next_] == '\r'))
    ++next_;
  token_ = Token{};
  token_.position = next_;
  if (next_ == source_.size()) return;
  const char c = source_[next_];
  if (is_letter(c)) return read_name();
  if (c == '`') return read_backticks();
  if (c == '\'' || c == '"') return read_string(c);
  if (is_digit(c) || (c == '.' && next_ + 1 < source_.size() && is_digit(source_[next_ + 1]))) return read_number();
  read_symbol();
}

void Lexer::read_name() {
  token_.kind = Kind::name;
  while (next_ < source_.size() && (is_letter(source_[next_]) || is_digit(source_[next_]) || source_[next_] == '.'))
    token_.text += source_[next_++];
}

void Lexer::read_backticks() {
  token_.kind = Kind::name;
  token_.quoted = true;
  for (++next_; next_ < source_.size(); ++next_) {
    if (source_[next_] == '`') {
      if (next_ + 1 == source_.size() || source_[next_ + 1] != '`') {
        ++next_;
        return;
      }
      ++next_;
    }
    token_.text += source_[next_];
  }
  fail(token_.position, "the name is not closed by a backtick");
}

void Lexer::read_string(char quote) {
  token_.kind = Kind::string;
  for (++next_; next_ < source_.size(); ++next_) {
    char c = source_[next_];
    if (c == quote) {
      ++next_;
      return;
    }
    if (c == '\\') {
      if (++next_ == source_.size()) break;
      c = source_[next_];
      if (c == 'n') {
        c = '\n';
      } else if (c == 't') {
        c = '\t';
      } else if (c != '\\' && c != '\'' && c != '"') {
        fail(next_ - 1,
             "unknown escape; a backslash may stand before a quote, a backslash, n or t (write \\\\ for a backslash)");
      }
    }
    token_.text += c;
  }
  fail(token_.position, std::string("the string is not closed by ") + quote);
}

void Lexer::read_number() {
  token_.kind = Kind::number;
  const std::size_t begin = next_;
  const auto digits = [&] {
    while (next_ < source_.size() && is_digit(source_[next_])) ++next_;
  };
  digits();
  if (next_ < source_.size() && source_[next_] == '.') {
    ++next_;
    digits();
  }
  if (next_ < source_.size() && (source_[next_] == 'e' || source_[next_] == 'E')) {
    std::size_t ahead = next_ + 1;
    if (ahead < source_.size() && (source_[ahead] == '+' || source_[ahead] == '-')) ++ahead;
    if (ahead < source_.size() && is_digit(source_[ahead])) {
      next_ = ahead;
      digits();
    }
  }
  token_.text = source_.substr(begin, next_ - begin);
  if (const auto integer = text::parse_integer(token_.text)) {
    token_.number = *integer;
  } else if (const auto number = text::parse_number(token_.text)) {
    token_.number = *number;
  } else {
    fail(begin, "the number " + text::quote(token_.text) + " is beyond the range of doubles");
  }
  // "2x" is neither a number nor a name; a person who writes it means a product.
  if (next_ < source_.size() && (is_letter(source_[next_]) || source_[next_] == '`'))
    fail(next_, "expected an operator after " + text::quote(token_.text) + "; write a product as 2*x");
}

void Lexer::read_symbol() {
  token_.kind = Kind::symbol;
  for (const std::string_view symbol : {"==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "(", ")", "[", "]", ","}) {
    if (std::string_view(source_).substr(next_, symbol.size()) == symbol) {
      token_.text = symbol;
      next_ += symbol.size();
      return;
    }
  }
  // Shows a character beyond ASCII whole.
  std::size_t length = 1;
  while (next_ + length < source_.size() && (static_cast<unsigned char>(source_[next_ + length]) & 0xc0U) == 0x80U) ++length;
  fail(next_, "unexpected " + text::quote(std::string_view(source_).substr(next_, length)) +
                  "; a name that is not an identifier stands in backticks, as in `learning rate`");
}

}  // namespace warpbo::space
