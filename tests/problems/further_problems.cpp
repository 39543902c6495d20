// Functions that no choice of warpbo was tuned on when they were added: they check that a choice helps in general.
#include "problems/problems.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

namespace warpbo::problems {
namespace {

using Vector = std::vector<double>;
using Function = std::function<double(std::span<const double>)>;
constexpr double kPi = std::numbers::pi;

double square(double x) { return x * x; }

std::string variable(std::size_t index) { return "x" + std::to_string(index + 1); }

double golden(std::size_t index) {
  const double multiple = std::numbers::phi * static_cast<double>(index + 1);
  return 0.2 + 0.6 * (multiple - std::floor(multiple));
}

/// An orthogonal matrix (row-major), from Gram and Schmidt on normal numbers.
Vector rotation(std::size_t d, std::uint32_t seed) {
  std::mt19937 random(seed);
  Vector matrix(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    double* row = matrix.data() + i * d;
    for (std::size_t j = 0; j < d; ++j) {  // Box and Muller: std::normal_distribution differs between libraries
      const double radius = std::sqrt(-2 * std::log((static_cast<double>(random()) + 1) / 4294967297.0));
      row[j] = radius * std::cos(2 * kPi * (static_cast<double>(random()) / 4294967296.0));
    }
    for (std::size_t k = 0; k < i; ++k) {
      double product = 0;
      for (std::size_t j = 0; j < d; ++j) product += row[j] * matrix[k * d + j];
      for (std::size_t j = 0; j < d; ++j) row[j] -= product * matrix[k * d + j];
    }
    double norm = 0;
    for (std::size_t j = 0; j < d; ++j) norm += square(row[j]);
    for (std::size_t j = 0; j < d; ++j) row[j] /= std::sqrt(norm);
  }
  return matrix;
}

/// `function` with its minimizer `best` moved to the golden point of a cube, and turned about it if a rotation is given.
Problem place(std::string name, double low, double high, Function function, double optimum, const Vector& best, bool shift,
              Vector turn = {}) {
  const std::size_t d = best.size();
  Problem problem;
  problem.name = std::move(name) + std::to_string(d);
  problem.optimum = optimum;
  Vector at(best);
  for (std::size_t i = 0; i < d; ++i) {
    problem.space.real(variable(i), low, high);
    if (shift) at[i] = low + (high - low) * golden(i);
    problem.argmin.set(variable(i), at[i]);
  }
  problem.function = [=, function = std::move(function), turn = std::move(turn)](const Parameters& parameters) {
    Vector offset(d), x(best);
    for (std::size_t i = 0; i < d; ++i) offset[i] = parameters.get<double>(variable(i)) - at[i];
    for (std::size_t i = 0; i < d; ++i) {
      if (turn.empty()) {
        x[i] += offset[i];
        continue;
      }
      for (std::size_t j = 0; j < d; ++j) x[i] += turn[i * d + j] * offset[j];
    }
    return function(x);
  };
  return problem;
}

double rastrigin_value(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v * v - 10 * std::cos(2 * kPi * v) + 10;
  return sum;
}

double ackley_value(std::span<const double> x) {
  double squares = 0, cosines = 0;
  for (const double v : x) {
    squares += v * v;
    cosines += std::cos(2 * kPi * v);
  }
  const auto d = static_cast<double>(x.size());
  return -20 * std::exp(-0.2 * std::sqrt(squares / d)) - std::exp(cosines / d) + 20 + std::numbers::e;
}

Vector zeros(int dimensions) { return Vector(static_cast<std::size_t>(dimensions), 0.0); }

}  // namespace

Problem narrow_ackley(int dimensions) { return place("narrow_ackley", -5, 10, ackley_value, 0, zeros(dimensions), true); }

Problem griewank(int dimensions) {
  const auto function = [](std::span<const double> x) {
    double sum = 0, product = 1;
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum += square(x[i]) / 4000;
      product *= std::cos(x[i] / std::sqrt(static_cast<double>(i + 1)));
    }
    return sum - product + 1;
  };
  return place("griewank", -600, 600, function, 0, zeros(dimensions), true);
}

Problem schwefel(int dimensions) {
  const auto function = [](std::span<const double> x) {
    double sum = 418.9828872724338 * static_cast<double>(x.size());
    for (const double v : x) sum -= v * std::sin(std::sqrt(std::fabs(v)));
    return sum;
  };
  return place("schwefel", -500, 500, function, 0, Vector(static_cast<std::size_t>(dimensions), 420.968746359982), false);
}

Problem dixon_price(int dimensions) {
  const auto function = [](std::span<const double> x) {
    double sum = square(x.front() - 1);
    for (std::size_t i = 1; i < x.size(); ++i) sum += static_cast<double>(i + 1) * square(2 * square(x[i]) - x[i - 1]);
    return sum;
  };
  Vector best(static_cast<std::size_t>(dimensions), 1.0);
  for (std::size_t i = 1; i < best.size(); ++i) best[i] = std::sqrt(best[i - 1] / 2);
  return place("dixon_price", -10, 10, function, 0, best, true);
}

Problem powell(int dimensions) {
  const auto function = [](std::span<const double> x) {
    double sum = 0;
    for (std::size_t i = 0; i + 3 < x.size(); i += 4)
      sum += square(x[i] + 10 * x[i + 1]) + 5 * square(x[i + 2] - x[i + 3]) + square(square(x[i + 1] - 2 * x[i + 2])) +
             10 * square(square(x[i] - x[i + 3]));
    return sum;
  };
  return place("powell", -4, 5, function, 0, zeros(dimensions), true);
}

Problem rotated_rastrigin(int dimensions) {
  return place("rotated_rastrigin", -5.12, 5.12, rastrigin_value, 0, zeros(dimensions), true,
               rotation(static_cast<std::size_t>(dimensions), 1));
}

Problem rotated_ellipsoid(int dimensions) {
  const auto function = [](std::span<const double> x) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += std::pow(1e4, static_cast<double>(i) / static_cast<double>(x.size() - 1)) * square(x[i]);
    return sum;
  };
  return place("rotated_ellipsoid", -5, 5, function, 0, zeros(dimensions), true,
               rotation(static_cast<std::size_t>(dimensions), 2));
}

Problem rotated_ackley(int dimensions) {
  return place("rotated_ackley", -32.768, 32.768, ackley_value, 0, zeros(dimensions), true,
               rotation(static_cast<std::size_t>(dimensions), 3));
}

Problem embedded_hartmann6(int dimensions) {
  const Problem inner = hartmann6();
  const int stride = dimensions / 6;  // the six that matter are spread over the others
  Problem problem;
  problem.name = "embedded_hartmann6_" + std::to_string(dimensions);
  problem.optimum = inner.optimum;
  for (int i = 0; i < dimensions; ++i) {
    const std::string name = variable(static_cast<std::size_t>(i));
    problem.space.real(name, 0, 1);
    const bool matters = i % stride == stride / 2 && i / stride < 6;
    problem.argmin.set(name, matters ? inner.argmin.get<double>(variable(static_cast<std::size_t>(i / stride))) : 0.5);
  }
  problem.function = [inner, stride](const Parameters& parameters) {
    Parameters six;
    for (int k = 0; k < 6; ++k)
      six.set(variable(static_cast<std::size_t>(k)),
              parameters.get<double>(variable(static_cast<std::size_t>(k * stride + stride / 2))));
    return inner(six);
  };
  return problem;
}

}  // namespace warpbo::problems
