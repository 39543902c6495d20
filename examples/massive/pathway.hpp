// A small metabolic pathway: ten metabolites in a row, ten reversible enzyme reactions between them, with feedback.
//
// Reaction i turns metabolite i into i + 1 at the reversible Michaelis-Menten rate
//   V (s - p / K) / Ks / (1 + s / Ks + p / Kp),   K = 3, Kp = 2 Ks,
// the first one is inhibited by the end product, 1 / (1 + end / Ki), and the end product drains at a fixed rate. What is fitted
// are V, Ks and the inhibition of each enzyme by the end product: 30 numbers. Integrated by the classical Runge-Kutta method.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace pathway {

inline constexpr std::size_t kReactions = 10, kSpecies = kReactions + 1;
inline constexpr std::size_t kSamples = 12;  // times at which all concentrations are measured
inline constexpr double kEnd = 24;           // minutes

struct Rates {
  std::array<double, kReactions> speed{}, affinity{}, inhibition{};  // V in mM/min, Ks in mM, Ki in mM
};

using State = std::array<double, kSpecies>;

inline State derivative(const Rates& rates, const State& x) {
  State out{};
  const double end = x[kSpecies - 1];
  for (std::size_t i = 0; i < kReactions; ++i) {
    const double s = x[i] / rates.affinity[i], p = x[i + 1] / (2 * rates.affinity[i]);
    const double flux = rates.speed[i] * (s - 2 * p / 3) / (1 + s + p) / (1 + end / rates.inhibition[i]);
    out[i] -= flux;
    out[i + 1] += flux;
  }
  out[kSpecies - 1] -= 0.05 * end;
  return out;
}

inline State moved(const State& x, double step, const State& slope) {
  State out;
  for (std::size_t i = 0; i < kSpecies; ++i) out[i] = std::max(x[i] + step * slope[i], 0.0);
  return out;
}

/// Concentrations at kSamples times, for a pulse of `substrate` mM at the beginning and `middle` mM of the fifth metabolite.
inline std::vector<double> simulate(const Rates& rates, double substrate, double middle) {
  constexpr int kSteps = 40;  // between two samples: 0.05 minutes each, the fastest enzyme needs 0.1
  State x{};
  x[0] = substrate;
  x[5] = middle;
  std::vector<double> out;
  for (std::size_t sample = 0; sample < kSamples; ++sample) {
    const double h = kEnd / kSamples / kSteps;
    for (int step = 0; step < kSteps; ++step) {
      const State k1 = derivative(rates, x), k2 = derivative(rates, moved(x, h / 2, k1));
      const State k3 = derivative(rates, moved(x, h / 2, k2)), k4 = derivative(rates, moved(x, h, k3));
      for (std::size_t i = 0; i < kSpecies; ++i) x[i] = std::max(x[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]), 0.0);
    }
    out.insert(out.end(), x.begin(), x.end());
  }
  return out;
}

/// Three experiments, one after another.
inline std::vector<double> experiments(const Rates& rates) {
  std::vector<double> out;
  for (const auto& [substrate, middle] : {std::pair{10.0, 0.0}, std::pair{2.0, 4.0}, std::pair{0.5, 0.5}}) {
    const std::vector<double> one = simulate(rates, substrate, middle);
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

/// Root mean square of the differences, each relative to 5 % of the measured value plus 0.01 mM.
inline double misfit(const std::vector<double>& computed, const std::vector<double>& measured) {
  double sum = 0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const double difference = (computed[i] - measured[i]) / (0.05 * measured[i] + 0.01);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(measured.size()));
}

}  // namespace pathway
