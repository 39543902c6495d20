#include "problems/problems.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace warpbo::problems {
namespace {

using Vector = std::vector<double>;
using Function = std::function<double(std::span<const double>)>;
constexpr double kPi = std::numbers::pi;

std::string variable(std::size_t index) { return "x" + std::to_string(index + 1); }

Parameters point(const Vector& x) {
  Parameters parameters;
  for (std::size_t i = 0; i < x.size(); ++i) parameters.set(variable(i), x[i]);
  return parameters;
}

/// A function of reals x1, x2, ... over a box. `move` is subtracted from the argument first.
Problem make(std::string name, const Vector& low, const Vector& high, Function function, double optimum, const Vector& argmin,
             const Vector& move) {
  Problem problem;
  problem.name = std::move(name);
  Vector moved = argmin;
  for (std::size_t i = 0; i < low.size(); ++i) {
    problem.space.real(variable(i), low[i], high[i]);
    moved[i] += move[i];
  }
  problem.function = [function = std::move(function), move](const Parameters& parameters) {
    Vector x(move.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = parameters.get<double>(variable(i)) - move[i];
    return function(x);
  };
  problem.optimum = optimum;
  problem.argmin = point(moved);
  return problem;
}

/// The same over a cube, with the optimum (all coordinates `best`) moved if asked for.
Problem make_cube(const std::string& name, int dimensions, double low, double high, Function function, double optimum,
                  double best, Shift shift) {
  const auto d = static_cast<std::size_t>(dimensions);
  Vector move(d, 0.0);
  if (shift == Shift::golden) {
    for (std::size_t i = 0; i < d; ++i) {
      const double golden = std::numbers::phi * static_cast<double>(i + 1);
      move[i] = low + (high - low) * (0.2 + 0.6 * (golden - std::floor(golden))) - best;
    }
  }
  return make(name + std::to_string(dimensions), Vector(d, low), Vector(d, high), std::move(function), optimum, Vector(d, best),
              move);
}

double square(double x) { return x * x; }

double hartmann(std::span<const double> x, std::span<const double> scale, std::span<const double> centre) {
  constexpr std::array<double, 4> kWeight = {1.0, 1.2, 3.0, 3.2};
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    double exponent = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      exponent += scale[i * x.size() + j] * square(x[j] - 1e-4 * centre[i * x.size() + j]);
    }
    sum += kWeight[i] * std::exp(-exponent);
  }
  return -sum;
}

}  // namespace

Problem branin() {
  const auto function = [](std::span<const double> x) {
    const double valley = x[1] - 5.1 / (4 * kPi * kPi) * square(x[0]) + 5 / kPi * x[0] - 6;
    return square(valley) + 10 * (1 - 1 / (8 * kPi)) * std::cos(x[0]) + 10;
  };
  return make("branin", {-5, 0}, {10, 15}, function, 5 / (4 * kPi), {kPi, 2.275}, {0, 0});
}

Problem hartmann3() {
  const auto function = [](std::span<const double> x) {
    static constexpr double kScale[] = {3, 10, 30, 0.1, 10, 35, 3, 10, 30, 0.1, 10, 35};
    static constexpr double kCentre[] = {3689, 1170, 2673, 4699, 4387, 7470, 1091, 8732, 5547, 381, 5743, 8828};
    return hartmann(x, kScale, kCentre);
  };
  return make("hartmann3", Vector(3, 0.0), Vector(3, 1.0), function, -3.862779787332663,
              {0.1145888691, 0.5556488928, 0.8525469854}, Vector(3, 0.0));
}

Problem hartmann6() {
  const auto function = [](std::span<const double> x) {
    static constexpr double kScale[] = {10, 3,   17,  3.5, 1.7, 8, 0.05, 10, 17,   0.1, 8,   14,
                                        3,  3.5, 1.7, 10,  17,  8, 17,   8,  0.05, 10,  0.1, 14};
    static constexpr double kCentre[] = {1312, 1696, 5569, 124,  8283, 5886, 2329, 4135, 8307, 3736, 1004, 9991,
                                         2348, 1451, 3522, 2883, 3047, 6650, 4047, 8828, 8732, 5743, 1091, 381};
    return hartmann(x, kScale, kCentre);
  };
  return make("hartmann6", Vector(6, 0.0), Vector(6, 1.0), function, -3.32236801141551,
              {0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054}, Vector(6, 0.0));
}

Problem shekel(int terms) {
  static constexpr double kPeak[10][4] = {{4, 4, 4, 4}, {1, 1, 1, 1}, {8, 8, 8, 8}, {6, 6, 6, 6}, {3, 7, 3, 7},
                                          {2, 9, 2, 9}, {5, 5, 3, 3}, {8, 1, 8, 1}, {6, 2, 6, 2}, {7, 3.6, 7, 3.6}};
  static constexpr double kWidth[10] = {0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5};
  const auto function = [terms](std::span<const double> x) {
    double sum = 0;
    for (int i = 0; i < terms; ++i) {
      double denominator = kWidth[i];
      for (std::size_t j = 0; j < 4; ++j) denominator += square(x[j] - kPeak[i][j]);
      sum -= 1 / denominator;
    }
    return sum;
  };
  const double optimum = terms == 5 ? -10.15319967905823 : terms == 7 ? -10.40294056681869 : -10.53640981669205;
  const Vector argmin = terms == 5   ? Vector{4.0000371492, 4.0001332786, 4.0000371518, 4.0001332766}
                        : terms == 7 ? Vector{4.0005729177, 4.0006893662, 3.9994897106, 3.9996061564}
                                     : Vector{4.0007465318, 4.0005929340, 3.9996634075, 3.9995098023};
  return make("shekel" + std::to_string(terms), Vector(4, 0.0), Vector(4, 10.0), function, optimum, argmin, Vector(4, 0.0));
}

Problem michalewicz(int dimensions) {
  const auto term = [](double x, std::size_t i) {
    return -std::sin(x) * std::pow(std::sin(static_cast<double>(i + 1) * x * x / kPi), 20);
  };
  const auto function = [term](std::span<const double> x) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += term(x[i], i);
    return sum;
  };
  // The function is a sum of functions of one variable, so its minimum is found one variable at a time: a fine grid, then
  // zooming in.
  const auto d = static_cast<std::size_t>(dimensions);
  Vector argmin(d);
  for (std::size_t i = 0; i < d; ++i) {
    double low = 0, high = kPi;
    for (int zoom = 0; zoom < 5; ++zoom) {
      double best = low;
      const double step = (high - low) / 2000;
      for (int k = 0; k <= 2000; ++k) {
        if (term(low + k * step, i) < term(best, i)) best = low + k * step;
      }
      low = std::max(0.0, best - 2 * step);
      high = std::min(kPi, best + 2 * step);
      argmin[i] = best;
    }
  }
  return make("michalewicz" + std::to_string(dimensions), Vector(d, 0.0), Vector(d, kPi), function, function(argmin), argmin,
              Vector(d, 0.0));
}

Problem ackley(int dimensions, Shift shift) {
  const auto function = [](std::span<const double> x) {
    double squares = 0, cosines = 0;
    for (const double v : x) {
      squares += v * v;
      cosines += std::cos(2 * kPi * v);
    }
    const double d = static_cast<double>(x.size());
    return -20 * std::exp(-0.2 * std::sqrt(squares / d)) - std::exp(cosines / d) + 20 + std::numbers::e;
  };
  return make_cube("ackley", dimensions, -32.768, 32.768, function, 0, 0, shift);
}

Problem levy(int dimensions, Shift shift) {
  const auto function = [](std::span<const double> x) {
    const auto w = [](double v) { return 1 + (v - 1) / 4; };
    double sum = square(std::sin(kPi * w(x.front())));
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
      sum += square(w(x[i]) - 1) * (1 + 10 * square(std::sin(kPi * w(x[i]) + 1)));
    }
    return sum + square(w(x.back()) - 1) * (1 + square(std::sin(2 * kPi * w(x.back()))));
  };
  return make_cube("levy", dimensions, -10, 10, function, 0, 1, shift);
}

Problem rosenbrock(int dimensions, Shift shift) {
  const auto function = [](std::span<const double> x) {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < x.size(); ++i) sum += 100 * square(x[i + 1] - square(x[i])) + square(1 - x[i]);
    return sum;
  };
  return make_cube("rosenbrock", dimensions, -5, 10, function, 0, 1, shift);
}

Problem rastrigin(int dimensions, Shift shift) {
  const auto function = [](std::span<const double> x) {
    double sum = 0;
    for (const double v : x) sum += v * v - 10 * std::cos(2 * kPi * v) + 10;
    return sum;
  };
  return make_cube("rastrigin", dimensions, -5.12, 5.12, function, 0, 0, shift);
}

Problem styblinski_tang(int dimensions, Shift shift) {
  const auto function = [](std::span<const double> x) {
    double sum = 0;
    for (const double v : x) sum += 0.5 * (square(square(v)) - 16 * square(v) + 5 * v);
    return sum;
  };
  return make_cube("styblinski_tang", dimensions, -5, 5, function, -39.16616570377142 * dimensions, -2.903534027771177, shift);
}

Problem mixed() {
  constexpr std::array<const char*, 4> kActivations = {"relu", "tanh", "gelu", "sigmoid"};
  constexpr std::array<const char*, 3> kOptimizers = {"sgd", "adam", "rmsprop"};
  // The least value of every pair. The best optimizer depends on the activation and the other way round.
  static constexpr double kFloor[4][3] = {{0.6, 0.5, 0.25}, {0.3, 0.9, 1.2}, {0.8, 0.0, 0.4}, {1.0, 1.4, 0.7}};
  static constexpr double kBestX[3] = {-1.2, 0.3, 1.1};        // by optimizer
  static constexpr double kBestY[4] = {0.9, 0.2, -0.7, -1.5};  // by activation
  static constexpr double kBestN[4] = {256, 32, 64, 8};        // by activation

  Problem problem;
  problem.name = "mixed";
  problem.space.real("x", -2, 2);
  problem.space.real("y", -2, 2);
  problem.space.integer("n", 1, 1024).log();
  problem.space.categorical("activation", {"relu", "tanh", "gelu", "sigmoid"});
  problem.space.categorical("optimizer", {"sgd", "adam", "rmsprop"});
  problem.function = [kActivations, kOptimizers](const Parameters& parameters) {
    const auto a = static_cast<std::size_t>(std::ranges::find(kActivations, parameters.get<std::string>("activation")) -
                                            kActivations.begin());
    const auto o = static_cast<std::size_t>(std::ranges::find(kOptimizers, parameters.get<std::string>("optimizer")) -
                                            kOptimizers.begin());
    const double x = parameters.get<double>("x") - kBestX[o];
    const double y = parameters.get<double>("y") - kBestY[a];
    const double n = std::log2(static_cast<double>(parameters.get<std::int64_t>("n")) / kBestN[a]);
    return kFloor[a][o] + square(x) + 0.5 * square(y + 0.3 * x) + 0.05 * square(n);
  };
  problem.optimum = 0;
  problem.argmin = {{"x", 0.3},
                    {"y", -0.7},
                    {"n", std::int64_t{64}},
                    {"activation", std::string("gelu")},
                    {"optimizer", std::string("adam")}};
  return problem;
}

}  // namespace warpbo::problems
