#include "acquisition/candidates.hpp"

#include "acquisition/box_domain.hpp"

#include <gtest/gtest.h>

#include <set>

namespace warpbo::acquisition {
namespace {

std::set<std::vector<double>> distinct(const std::vector<double>& rows, std::size_t d) {
  std::set<std::vector<double>> out;
  for (std::size_t at = 0; at < rows.size(); at += d)
    out.emplace(rows.begin() + static_cast<std::ptrdiff_t>(at), rows.begin() + static_cast<std::ptrdiff_t>(at + d));
  return out;
}

TEST(Candidates, CoverTheDomainAndTheSurroundingsOfTheIncumbent) {
  const BoxDomain domain = BoxDomain::continuous(3);
  CandidateOptions options;
  options.incumbents = {0.31, 0.62, 0.17};
  const std::vector<double> rows = make_candidates(domain, options);
  EXPECT_EQ(distinct(rows, 3).size() * 3, rows.size());
  EXPECT_GT(rows.size() / 3, 1900U);
  int near = 0, octants[8] = {};
  for (std::size_t at = 0; at < rows.size(); at += 3) {
    double distance = 0;
    int octant = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_TRUE(rows[at + c] >= 0 && rows[at + c] <= 1);
      distance = std::max(distance, std::fabs(rows[at + c] - options.incumbents[c]));
      octant = 2 * octant + (rows[at + c] > 0.5 ? 1 : 0);
    }
    near += distance < 0.01 ? 1 : 0;
    ++octants[octant];
  }
  EXPECT_GT(near, 200);
  for (const int count : octants) EXPECT_GT(count, 100);
}

TEST(Candidates, AFiniteDomainIsListedCompletelyWithoutWhatIsExcluded) {
  BoxDomain domain({{false, false, 5}, {false, true, 3}});
  domain.exclude(std::vector<double>{0.25, 2});
  const std::vector<double> rows = make_candidates(domain, {});
  EXPECT_EQ(distinct(rows, 2).size(), 14U);
}

TEST(Candidates, AreFeasibleAndTheSameForTheSameSeed) {
  const BoxDomain domain = BoxDomain::continuous(2, 0.4);
  CandidateOptions options;
  options.seed = 5;
  options.incumbents = {0.2, 0.2};
  const std::vector<double> rows = make_candidates(domain, options);
  EXPECT_FALSE(rows.empty());
  for (std::size_t at = 0; at < rows.size(); at += 2) EXPECT_LE(rows[at] + rows[at + 1], 0.4 + 1e-12);
  EXPECT_EQ(rows, make_candidates(domain, options));
  options.seed = 6;
  EXPECT_NE(rows, make_candidates(domain, options));
}

}  // namespace
}  // namespace warpbo::acquisition
