/// Words of conditions and constraints.
#pragma once

#include <warpbo/trial.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace warpbo::space {

/// Splits "opt == 'sgd' and `learning rate` < 0.1" into tokens. Names are identifiers (letters, digits, '_' and '.') or stand
/// in backticks (a doubled backtick stands for one); strings stand in single or double quotes, where a backslash escapes the
/// quote and itself, and \n and \t are line feed and tab.
class Lexer {
 public:
  enum class Kind { name, number, string, symbol, end };
  struct Token {
    Kind kind = Kind::end;
    std::string text;          // of names, strings and symbols; of numbers as written
    Value number;              // std::int64_t if written as an integer that fits, double otherwise
    bool quoted = false;       // a name in backticks, which is never a keyword
    std::size_t position = 0;  // of the first byte, from 0
  };

  /// `what` begins every error's text, for example `the condition of parameter "x"`.
  Lexer(std::string_view source, std::string what);

  [[nodiscard]] const Token& peek() const noexcept { return token_; }
  Token take();
  /// Takes the token if it is this symbol.
  bool accept(std::string_view symbol);
  /// Takes the token if it is this bare word.
  bool accept_word(std::string_view word);
  [[nodiscard]] bool at_word(std::string_view word) const noexcept;

  /// Throws `invalid_argument`: what, the source, the position (from 1), what was expected and what was found there.
  [[noreturn]] void expected(const std::string& wanted) const;
  /// The same with a message of its own.
  [[noreturn]] void fail(std::size_t position, const std::string& message) const;

 private:
  void advance();
  void read_name();
  void read_backticks();
  void read_string(char quote);
  void read_number();
  void read_symbol();

  std::string source_;
  std::string what_;
  std::size_t next_ = 0;
  Token token_;
};

}  // namespace warpbo::space
