#include "space/condition.hpp"

#include "base/text.hpp"
#include "space/lexer.hpp"
#include "space/spec.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace warpbo::space {

bool Term::accepts(std::int64_t level) const noexcept {
  const auto after = std::upper_bound(levels.begin(), levels.end(), level,
                                      [](std::int64_t wanted, const auto& range) { return wanted < range.first; });
  return after != levels.begin() && level <= std::prev(after)->second;
}

bool Term::accepts(double number) const noexcept {
  return (low_open ? number > low : number >= low) && (high_open ? number < high : number <= high);
}

bool Term::possible(const Domain& domain) const {
  if (!continuous) return !levels.empty();
  if (low > high || (low == high && (low_open || high_open))) return false;
  return (low_open ? low < domain.high() : low <= domain.high()) && (high_open ? high > domain.low() : high >= domain.low());
}

bool Term::certain(const Domain& domain) const {
  if (!continuous) return levels.size() == 1 && levels[0].first == 0 && levels[0].second == domain.levels() - 1;
  return accepts(domain.low()) && accepts(domain.high());
}

void Term::intersect(const Term& other) {
  if (continuous) {
    if (other.low > low || (other.low == low && other.low_open)) low = other.low, low_open = other.low_open;
    if (other.high < high || (other.high == high && other.high_open)) high = other.high, high_open = other.high_open;
    return;
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> both;
  std::size_t i = 0;
  std::size_t k = 0;
  while (i < levels.size() && k < other.levels.size()) {
    const std::int64_t from = std::max(levels[i].first, other.levels[k].first);
    const std::int64_t to = std::min(levels[i].second, other.levels[k].second);
    if (from <= to) both.emplace_back(from, to);
    (levels[i].second < other.levels[k].second ? i : k) += 1;
  }
  levels = std::move(both);
}

namespace {

enum class Comparison { equal, unequal, less, less_equal, greater, greater_equal };

std::string_view symbol_of(Comparison comparison) {
  static constexpr std::string_view kSymbols[] = {"==", "!=", "<", "<=", ">", ">="};
  return kSymbols[static_cast<std::size_t>(comparison)];
}

/// The values of a parent in words, for messages.
std::string domain_text(const Domain& domain) {
  const ParameterSpec& spec = domain.spec();
  if (!domain.numeric()) return "its choices are " + list_choices(spec.choices);
  std::string out = "its values are " + literal(domain.continuous() ? Value(spec.low) : domain.value_at(0)) + " .. " +
                    literal(domain.continuous() ? Value(spec.high) : domain.value_at(domain.levels() - 1));
  if (spec.step) out += " in steps of " + text::format_number(*spec.step);
  if (spec.int_step) out += " in steps of " + std::to_string(*spec.int_step);
  return out;
}

class Parser {
 public:
  Parser(const std::vector<ParameterSpec>& specs, std::size_t index, const DomainLookup& domain)
      : specs_(specs),
        index_(index),
        domain_(domain),
        lexer_(specs[index].condition, "the condition of " + label(specs[index].name)) {}

  Condition parse() {
    do {
      add(parse_comparison());
    } while (lexer_.accept_word("and"));
    if (lexer_.at_word("or"))
      lexer_.expected(
          "`and` or the end (there is no `or`; write alternatives as name in ['a', 'b'], or declare two parameters)");
    if (lexer_.peek().kind != Lexer::Kind::end) lexer_.expected("`and` or the end");
    std::sort(terms_.begin(), terms_.end(), [](const Term& a, const Term& b) { return a.parameter < b.parameter; });
    return std::move(terms_);
  }

 private:
  struct Literal {
    Value value;
    std::size_t position = 0;
  };

  Term parse_comparison() {
    const std::size_t parent = parse_parent();
    const Domain& domain = domain_(parent);
    Term term;
    term.parameter = parent;
    term.continuous = domain.continuous();
    const std::size_t position = lexer_.peek().position;
    if (lexer_.accept_word("in")) {
      parse_list(domain, position, term);
    } else {
      const Comparison comparison = parse_operator();
      apply(domain, comparison, position, parse_literal(), term);
    }
    if (!term.possible(domain)) lexer_.fail(position, "this can never hold: " + domain_text(domain));
    return term;
  }

  std::size_t parse_parent() {
    if (lexer_.peek().kind != Lexer::Kind::name) lexer_.expected("the name of a parameter");
    const Lexer::Token token = lexer_.take();
    for (std::size_t i = 0; i < index_; ++i)
      if (specs_[i].name == token.text) return i;
    std::string fix = "; only parameters declared before this one may be named";
    const bool later = std::any_of(specs_.begin() + static_cast<std::ptrdiff_t>(index_), specs_.end(),
                                   [&](const ParameterSpec& spec) { return spec.name == token.text; });
    if (token.text == specs_[index_].name)
      fix = "; a parameter cannot depend on itself";
    else if (later)
      fix = " that is declared before this one; declare it first (two parameters cannot depend on each other)";
    lexer_.fail(token.position, "there is no other parameter named " + text::quote(token.text) + fix);
  }

  Comparison parse_operator() {
    for (const Comparison comparison : {Comparison::equal, Comparison::unequal, Comparison::less_equal, Comparison::less,
                                        Comparison::greater_equal, Comparison::greater})
      if (lexer_.accept(symbol_of(comparison))) return comparison;
    lexer_.expected("==, !=, <, <=, >, >= or in [...]");
  }

  Literal parse_literal() {
    const std::size_t position = lexer_.peek().position;
    const bool negative = lexer_.accept("-");
    if (!negative) lexer_.accept("+");
    const Lexer::Token& token = lexer_.peek();
    if (token.kind == Lexer::Kind::number) {
      Value number = lexer_.take().number;
      if (negative) number = std::visit([](auto v) -> Value { return negate(v); }, number);
      return {number, position};
    }
    if (token.position != position) lexer_.expected("a number after the sign");
    if (lexer_.accept_word("true")) return {true, position};
    if (lexer_.accept_word("false")) return {false, position};
    if (token.kind == Lexer::Kind::name) lexer_.expected("a value (text stands in quotes, as in '" + token.text + "')");
    if (token.kind != Lexer::Kind::string) lexer_.expected("a number, true, false or a text in quotes");
    return {lexer_.take().text, position};
  }

  static Value negate(std::int64_t v) { return -v; }
  static Value negate(double v) { return -v + 0.0; }
  static Value negate(bool v) { return v; }
  static Value negate(const std::string& v) { return v; }

  void parse_list(const Domain& domain, std::size_t position, Term& term) {
    if (!lexer_.accept("[")) lexer_.expected("[ and a list of values");
    if (domain.continuous()) refuse_equality(domain, position);
    std::vector<std::int64_t> levels;
    do {
      levels.push_back(find(domain, parse_literal()));
    } while (lexer_.accept(","));
    if (!lexer_.accept("]")) lexer_.expected(", or ]");
    std::sort(levels.begin(), levels.end());
    for (const std::int64_t level : levels) {
      if (!term.levels.empty() && level <= term.levels.back().second + 1)
        term.levels.back().second = level;
      else
        term.levels.emplace_back(level, level);
    }
  }

  [[noreturn]] void refuse_equality(const Domain& domain, std::size_t position) {
    lexer_.fail(position,
                label(domain.spec().name) +
                    " is a real without step, which equals a given number with probability 0; compare with <, <=, > or >=, "
                    "or give it a step");
  }

  [[noreturn]] void refuse_value(const Domain& domain, const Literal& operand) {
    lexer_.fail(operand.position,
                literal(operand.value) + " is not a value of " + label(domain.spec().name) + ": " + domain_text(domain));
  }

  /// The level that equals a literal. Types are kept apart, but the numbers 1 and 1.0 find each other where only one of them is
  /// a choice.
  std::int64_t find(const Domain& domain, const Literal& operand) {
    if (const auto level = domain.exact_level(operand.value)) return *level;
    if (!domain.numeric()) {
      if (const auto* integer = std::get_if<std::int64_t>(&operand.value))
        if (const auto level = domain.find_choice(static_cast<double>(*integer))) return *level;
      if (const auto* number = std::get_if<double>(&operand.value);
          number && *number == std::trunc(*number) && std::abs(*number) < 0x1p53)
        if (const auto level = domain.find_choice(static_cast<std::int64_t>(*number))) return *level;
    }
    refuse_value(domain, operand);
  }

  void apply(const Domain& domain, Comparison comparison, std::size_t position, const Literal& operand, Term& term) {
    const bool equality = comparison == Comparison::equal || comparison == Comparison::unequal;
    if (equality && domain.continuous()) refuse_equality(domain, position);
    if (!equality && !domain.numeric() && domain.nominal())
      lexer_.fail(position, label(domain.spec().name) + " has no order, so " + std::string(symbol_of(comparison)) +
                                " means nothing; use == or in [...], or declare it as ordinal");
    if (domain.numeric()) return apply_number(domain, comparison, operand, term);
    const std::int64_t level = find(domain, operand);
    accept_range(comparison, level, level + 1, domain.levels(), term);
  }

  void apply_number(const Domain& domain, Comparison comparison, const Literal& operand, Term& term) {
    double number = 0;
    if (const auto* integer = std::get_if<std::int64_t>(&operand.value))
      number = static_cast<double>(*integer);
    else if (const auto* real = std::get_if<double>(&operand.value))
      number = *real;
    else
      refuse_value(domain, operand);
    if (domain.continuous()) {
      if (comparison == Comparison::less || comparison == Comparison::less_equal) {
        term.high = number;
        term.high_open = comparison == Comparison::less;
      } else {
        term.low = number;
        term.low_open = comparison == Comparison::greater;
      }
      return;
    }
    if (comparison == Comparison::equal || comparison == Comparison::unequal) {
      const std::int64_t level = find(domain, operand);
      return accept_range(comparison, level, level + 1, domain.levels(), term);
    }
    // A stepped real's 0.30000000000000004 is the 0.3 that the person wrote.
    const auto same = domain.exact_level(operand.value);
    const std::int64_t below = same ? *same : first_level(domain, number);
    accept_range(comparison, below, same ? below + 1 : below, domain.levels(), term);
  }

  /// The lowest level whose number is not below the given one; `levels()` if there is none.
  static std::int64_t first_level(const Domain& domain, double number) {
    std::int64_t from = 0;
    std::int64_t to = domain.levels();
    while (from < to) {
      const std::int64_t middle = from + (to - from) / 2;
      if (domain.number_at(middle) < number)
        from = middle + 1;
      else
        to = middle;
    }
    return from;
  }

  /// The operand equals the levels [begin, end), which may be empty.
  static void accept_range(Comparison comparison, std::int64_t begin, std::int64_t end, std::int64_t levels, Term& term) {
    const auto accept = [&](std::int64_t from, std::int64_t to) {
      if (from <= to) term.levels.emplace_back(from, to);
    };
    switch (comparison) {
      case Comparison::equal:
        return accept(begin, end - 1);
      case Comparison::unequal:
        accept(0, begin - 1);
        return accept(end, levels - 1);
      case Comparison::less:
        return accept(0, begin - 1);
      case Comparison::less_equal:
        return accept(0, end - 1);
      case Comparison::greater:
        return accept(end, levels - 1);
      case Comparison::greater_equal:
        return accept(begin, levels - 1);
    }
  }

  void add(Term term) {
    const auto same = std::find_if(terms_.begin(), terms_.end(), [&](const Term& t) { return t.parameter == term.parameter; });
    if (same == terms_.end()) {
      terms_.push_back(std::move(term));
      return;
    }
    same->intersect(term);
    if (!same->possible(domain_(term.parameter)))
      lexer_.fail(0, "what it demands of " + label(specs_[term.parameter].name) + " can never hold together");
  }

  const std::vector<ParameterSpec>& specs_;
  std::size_t index_;
  const DomainLookup& domain_;
  Lexer lexer_;
  Condition terms_;
};

}  // namespace

Condition parse_condition(const std::vector<ParameterSpec>& specs, std::size_t index, const DomainLookup& domain) {
  return Parser(specs, index, domain).parse();
}

std::vector<Condition> compile_conditions(const std::vector<ParameterSpec>& specs, const DomainLookup& domain) {
  std::vector<Condition> all(specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].condition.empty()) continue;
    Condition terms = parse_condition(specs, i, domain);
    const std::size_t own = terms.size();
    for (std::size_t t = 0; t < own; ++t)
      for (const Term& inherited : all[terms[t].parameter]) terms.push_back(inherited);
    std::stable_sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) { return a.parameter < b.parameter; });
    for (Term& term : terms) {
      if (!all[i].empty() && all[i].back().parameter == term.parameter)
        all[i].back().intersect(term);
      else
        all[i].push_back(std::move(term));
      if (!all[i].back().possible(domain(all[i].back().parameter)))
        invalid(label(specs[i].name) + ": its condition " + text::quote(specs[i].condition) +
                " can never hold together with the conditions of the parameters it names; what they demand of " +
                label(specs[all[i].back().parameter].name) + " contradicts");
    }
  }
  return all;
}

}  // namespace warpbo::space
