#include "space/linear.hpp"

#include "base/text.hpp"
#include "space/lexer.hpp"
#include "space/spec.hpp"

#include <cmath>
#include <map>

namespace warpbo::space {

namespace {

/// constant + sum of coefficient * parameter.
struct Affine {
  std::map<std::size_t, double> coefficients;
  double constant = 0;

  [[nodiscard]] bool is_number() const { return coefficients.empty(); }
  void add(const Affine& other, double factor) {
    constant += factor * other.constant;
    for (const auto& [parameter, coefficient] : other.coefficients) coefficients[parameter] += factor * coefficient;
  }
  void scale(double factor) {
    constant *= factor;
    for (auto& [parameter, coefficient] : coefficients) coefficient *= factor;
  }
  [[nodiscard]] bool finite() const {
    bool ok = std::isfinite(constant);
    for (const auto& [parameter, coefficient] : coefficients) ok = ok && std::isfinite(coefficient);
    return ok;
  }
};

class Parser {
 public:
  Parser(const std::vector<ParameterSpec>& specs, std::string_view source) : specs_(specs), lexer_(source, "the constraint") {}

  LinearConstraint parse(std::string_view source) {
    Affine left = sum();
    const std::size_t position = lexer_.peek().position;
    const bool at_most = lexer_.accept("<=");
    const bool at_least = !at_most && lexer_.accept(">=");
    const bool equal = !at_most && !at_least && lexer_.accept("==");
    if (!at_most && !at_least && !equal) refuse_operator();
    const Affine right = sum();
    if (const Lexer::Token& rest = lexer_.peek(); rest.kind != Lexer::Kind::end) {
      if (rest.text == "<=" || rest.text == ">=" || rest.text == "==" || rest.text == "<" || rest.text == ">")
        lexer_.fail(rest.position, "a chain of comparisons; write two constraints instead");
      lexer_.expected("an operator or the end");
    }
    left.add(right, -1);
    if (at_least) left.scale(-1);
    if (!left.finite()) lexer_.fail(position, "the coefficients are beyond the range of doubles");
    LinearConstraint out;
    for (const auto& [parameter, coefficient] : left.coefficients)
      if (coefficient != 0) out.terms.emplace_back(parameter, coefficient);
    if (out.terms.empty()) lexer_.fail(position, "no parameter is left in it, so it constrains nothing");
    out.bound = -left.constant + 0.0;
    out.equality = equal;
    out.source = source;
    return out;
  }

 private:
  [[noreturn]] void refuse_operator() {
    const std::string& found = lexer_.peek().text;
    if (found == "<" || found == ">")
      lexer_.expected("<=, >= or == (a strict comparison has no closest point; write " + found + "=)");
    if (found == "=") lexer_.expected("<=, >= or == (write == for equality)");
    if (found == "!=") lexer_.expected("<=, >= or ==");
    lexer_.expected("an operator, <=, >= or ==");
  }

  Affine sum() {
    Affine total = product();
    while (true) {
      if (lexer_.accept("+"))
        total.add(product(), 1);
      else if (lexer_.accept("-"))
        total.add(product(), -1);
      else
        return total;
    }
  }

  Affine product() {
    Affine total = factor();
    while (true) {
      const std::size_t position = lexer_.peek().position;
      if (lexer_.accept("*")) {
        Affine other = factor();
        if (!total.is_number() && !other.is_number())
          lexer_.fail(position, "a product of parameters is not linear; only products with numbers are allowed");
        if (total.is_number()) std::swap(total, other);
        total.scale(other.constant);
      } else if (lexer_.accept("/")) {
        const Affine other = factor();
        if (!other.is_number())
          lexer_.fail(position, "a division by a parameter is not linear; multiply both sides by it, or drop it");
        if (other.constant == 0) lexer_.fail(position, "a division by zero");
        total.scale(1 / other.constant);
      } else {
        return total;
      }
    }
  }

  Affine factor() {
    constexpr int kDeepest = 100;
    if (++depth_ > kDeepest) lexer_.fail(lexer_.peek().position, "nested too deeply");
    Affine out;
    const Lexer::Token& token = lexer_.peek();
    if (lexer_.accept("-")) {
      out = factor();
      out.scale(-1);
    } else if (lexer_.accept("+")) {
      out = factor();
    } else if (lexer_.accept("(")) {
      out = sum();
      if (!lexer_.accept(")")) lexer_.expected(")");
    } else if (token.kind == Lexer::Kind::number) {
      const Value number = lexer_.take().number;
      const auto* integer = std::get_if<std::int64_t>(&number);
      out.constant = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(number);
    } else if (token.kind == Lexer::Kind::name) {
      out.coefficients[parameter(lexer_.take())] = 1;
    } else {
      lexer_.expected("a number, the name of a parameter or (");
    }
    --depth_;
    return out;
  }

  std::size_t parameter(const Lexer::Token& token) {
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      if (specs_[i].name != token.text) continue;
      if (specs_[i].kind != ParameterKind::real && specs_[i].kind != ParameterKind::integer)
        lexer_.fail(token.position, label(token.text) + " is " + std::string(kind_name(specs_[i].kind)) +
                                        "; constraints apply to real and integer parameters only");
      return i;
    }
    lexer_.fail(token.position,
                "there is no parameter named " + text::quote(token.text) + "; declare it before the constraint");
  }

  const std::vector<ParameterSpec>& specs_;
  Lexer lexer_;
  int depth_ = 0;
};

}  // namespace

LinearConstraint parse_constraint(const std::vector<ParameterSpec>& specs, std::string_view source) {
  return Parser(specs, source).parse(source);
}

}  // namespace warpbo::space
