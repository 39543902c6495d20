// Minimizes Branin's function of two variables in 40 trials.
#include <warpbo/warpbo.hpp>

#include <cmath>
#include <cstdio>

double branin(double x, double y) {
  const double pi = std::acos(-1.0);
  const double curve = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
  return curve * curve + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}

int main() {
  warpbo::Space space;
  space.real("x", -5, 10);
  space.real("y", 0, 15);
  auto study = warpbo::Study::create("branin", space);
  for (int i = 0; i < 40; ++i) {
    const warpbo::Trial trial = study.ask();
    study.tell(trial, branin(trial.get<double>("x"), trial.get<double>("y")));
  }
  const warpbo::Trial best = study.best();
  std::printf("best %.6f at x = %.4f, y = %.4f (the least possible is 0.397887)\n", *best.value, best.get<double>("x"),
              best.get<double>("y"));
}
