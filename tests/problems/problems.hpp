/// Test functions with known optima, all to be minimized. Definitions: Surjanovic & Bingham, "Virtual library of simulation
/// experiments" (sfu.ca/~ssurjano); Shekel and Hartmann after Dixon & Szego 1978.
///
/// Several favourites have their optimum at the centre of the box, where a lazy method looks first. `Shift::golden` moves it to
/// u_i = 0.2 + 0.6 frac(0.618... i), i = 1, 2, ..., of the box, in every dimension another place.
#pragma once

#include <warpbo/space.hpp>
#include <warpbo/trial.hpp>

#include <functional>
#include <span>
#include <string>

namespace warpbo::problems {

struct Problem {
  std::string name;
  Space space;
  std::function<double(const Parameters&)> function;
  double optimum = 0;  ///< the smallest value
  Parameters argmin;   ///< one point that attains it, as closely as it is known

  [[nodiscard]] double operator()(const Parameters& parameters) const { return function(parameters); }
  [[nodiscard]] double regret(double value) const { return value - optimum; }
};

enum class Shift { none, golden };

Problem branin();                     ///< [-5, 10] x [0, 15], three global minima
Problem hartmann3();                  ///< [0, 1]^3
Problem hartmann6();                  ///< [0, 1]^6, with a wide local minimum 0.119 above the global one
Problem shekel(int terms = 10);       ///< [0, 10]^4, 5, 7 or 10 terms
Problem michalewicz(int dimensions);  ///< [0, pi]^d, narrow valleys
Problem ackley(int dimensions, Shift shift = Shift::golden);      ///< [-32.768, 32.768]^d
Problem levy(int dimensions, Shift shift = Shift::golden);        ///< [-10, 10]^d
Problem rosenbrock(int dimensions, Shift shift = Shift::golden);  ///< [-5, 10]^d
Problem rastrigin(int dimensions, Shift shift = Shift::golden);   ///< [-5.12, 5.12]^d
Problem styblinski_tang(int dimensions,
                        Shift shift = Shift::golden);  ///< [-5, 5]^d; shifted: only the global minimum must be inside

// Functions that the strategies were not tuned on.
Problem narrow_ackley(int dimensions);       ///< [-5, 10]^d, shifted: the box of the batch benchmarks
Problem griewank(int dimensions);            ///< [-600, 600]^d, shifted
Problem schwefel(int dimensions);            ///< [-500, 500]^d, the optimum near a corner, 420.97 everywhere
Problem dixon_price(int dimensions);         ///< [-10, 10]^d, shifted: a curved valley
Problem powell(int dimensions);              ///< [-4, 5]^d, d a multiple of 4, shifted: singular at the optimum
Problem rotated_rastrigin(int dimensions);   ///< [-5.12, 5.12]^d, shifted
Problem rotated_ellipsoid(int dimensions);   ///< [-5, 5]^d, shifted; condition 1e4
Problem rotated_ackley(int dimensions);      ///< [-32.768, 32.768]^d, shifted
Problem embedded_hartmann6(int dimensions);  ///< [0, 1]^d, d >= 6: six coordinates matter

/// Two reals, a logarithmic integer and two categoricals that interact: every pair of categories has its own minimum, the best
/// of which is 0 for ("gelu", "adam") at x = 0.3, y = -0.7, n = 64, and 0.25 or more for every other pair.
Problem mixed();

}  // namespace warpbo::problems
