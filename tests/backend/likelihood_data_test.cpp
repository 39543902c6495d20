// Likelihoods of members that differ in their data: the batch of many studies.
#include "backend/fixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::backend::testing {
namespace {

constexpr std::int64_t kDimensions = 4;

HyperPrior prior_of(std::size_t which) {
  const auto shift = 0.2 * static_cast<double>(which);
  return {.lengthscale_center = -0.3 + shift,
          .lengthscale_sd = 1.2 + shift,
          .noise_center = -4 - shift,
          .noise_sd = 1 + shift,
          .shape = 1.5 + shift,
          .rate = 0.7 + shift};
}

/// A data set on the device, as one member of a batch has it.
struct Member {
  Problem problem;
  Guarded points, targets;
  Buffer<double> noise_weights;
  Buffer<std::uint8_t> categorical;
  LikelihoodData data;

  Member(const std::shared_ptr<Backend>& backend, std::int64_t n, std::size_t which)
      : problem(n, kDimensions, static_cast<std::int64_t>(which) % 3, math::KernelFamily::matern52, 70 + which),
        points(backend, problem.points),
        targets(backend, problem.targets),
        noise_weights(make_buffer(backend, problem.noise_weights)),
        categorical(make_buffer(backend, problem.categorical)) {
    data.points = points.view();
    data.targets = targets.view().data;
    if (which % 2 == 0) data.noise_weights = noise_weights.data();
    if (which % 3 != 0) data.categorical = categorical.data();
    data.prior = prior_of(which);
  }
};

struct Result {
  std::vector<double> value;
  HostMatrix gradient;
  std::vector<std::int32_t> info;
};

class LikelihoodDataTest : public Conformance {
 protected:
  std::vector<Member> members;

  void make(const std::vector<std::int64_t>& sizes) {
    members.clear();
    for (std::size_t i = 0; i < sizes.size(); ++i) members.emplace_back(backend, sizes[i], i);
  }

  /// Row a belongs to member which[a]. The last row is not active.
  Result together(const std::vector<std::int32_t>& which, bool gradient = true) {
    const auto batch = static_cast<std::int64_t>(which.size());
    HostMatrix theta(batch, kDimensions + 1);
    std::vector<LikelihoodData> data;
    std::int64_t largest = 0;
    for (const Member& member : members) {
      data.push_back(member.data);
      largest = std::max(largest, member.problem.n);
    }
    for (std::int64_t a = 0; a < batch; ++a)
      for (std::int64_t k = 0; k <= kDimensions; ++k)
        theta(a, k) =
            members[static_cast<std::size_t>(which[static_cast<std::size_t>(a)])].problem.theta[static_cast<std::size_t>(k)];
    const Guarded parameters(backend, theta), out(backend, batch, kDimensions + 1);
    const Buffer<LikelihoodData> sets = make_buffer(backend, data);
    const Buffer<std::int32_t> indices = make_buffer(backend, which);
    const Buffer<std::int32_t> active = make_buffer(backend, std::vector<std::int32_t>{static_cast<std::int32_t>(batch) - 1});
    const Buffer<double> value = make_buffer(backend, std::vector<double>(which.size(), -77));
    const Buffer<std::int32_t> info = make_buffer(backend, std::vector<std::int32_t>(which.size(), -77));
    Likelihood call;
    call.points = {nullptr, largest, kDimensions, largest, 1, 0};
    call.data = {sets.data(), sets.size()};
    call.indices = {indices.data(), indices.size()};
    call.theta = parameters.view();
    call.active = active.data();
    call.value = value.view();
    if (gradient) call.gradient = out.view();
    call.info = info.view();
    backend->run(call);
    out.expect_guards();
    return {fetch(value), out.download(), fetch(info)};
  }

  Result alone(const Member& member) {
    HostMatrix theta(1, kDimensions + 1);
    for (std::int64_t k = 0; k <= kDimensions; ++k) theta(0, k) = member.problem.theta[static_cast<std::size_t>(k)];
    const Guarded parameters(backend, theta), out(backend, 1, kDimensions + 1);
    const Buffer<double> value = make_buffer(backend, std::vector<double>{-77});
    const Buffer<std::int32_t> info = make_buffer(backend, std::vector<std::int32_t>{-77});
    Likelihood call;
    if (member.data.categorical != nullptr) call.kernel.categorical = {member.data.categorical, kDimensions};
    call.points = member.points.view();
    call.targets = member.targets.view();
    if (member.data.noise_weights != nullptr) call.noise_weights = member.noise_weights.view();
    call.theta = parameters.view();
    call.prior = member.data.prior;
    call.value = value.view();
    call.gradient = out.view();
    call.info = info.view();
    backend->run(call);
    return {fetch(value), out.download(), fetch(info)};
  }

  void expect_same(double found, double right, const std::string& what) const {
    if (backend->name() == "cpu")
      EXPECT_EQ(found, right) << what;
    else
      EXPECT_NEAR(found, right, 1e-9 * (1 + std::fabs(right))) << what;
  }

  void expect_as_alone(const std::vector<std::int32_t>& which) {
    const Result found = together(which);
    const Result values = together(which, false);
    for (std::size_t a = 0; a + 1 < which.size(); ++a) {
      const Member& member = members[static_cast<std::size_t>(which[a])];
      const std::string what = "row " + std::to_string(a) + ", n = " + std::to_string(member.problem.n);
      const Result right = alone(member);
      EXPECT_EQ(found.info[a], 0) << what;
      expect_same(found.value[a], right.value[0], what);
      expect_same(values.value[a], right.value[0], what + ", value only");
      for (std::int64_t k = 0; k <= kDimensions; ++k)
        expect_same(found.gradient(static_cast<std::int64_t>(a), k), right.gradient(0, k),
                    what + ", slope " + std::to_string(k));
    }
    EXPECT_EQ(found.value.back(), -77) << "not active";
    EXPECT_EQ(found.info.back(), -77);
    EXPECT_TRUE(Guarded::is_sentinel(found.gradient(static_cast<std::int64_t>(which.size()) - 1, 0)));
  }
};

// Sizes of one way of evaluating and across several: one block per member, tiles, the sizes of the tiny tuning.
TEST_P(LikelihoodDataTest, EveryMemberIsAsAlone) {
  const std::vector<std::vector<std::int64_t>> cases{{3, 30, 1, 17, 32}, {64, 40, 63, 50}, {100, 160, 97}, {190, 20, 131}};
  for (const std::vector<std::int64_t>& sizes : cases) {
    make(sizes);
    std::vector<std::int32_t> which;  // several rows per data set, in no order
    for (std::size_t i = 0; i < 3 * sizes.size(); ++i)
      which.push_back(static_cast<std::int32_t>((2 * i + i / sizes.size()) % sizes.size()));
    which.push_back(0);
    expect_as_alone(which);
  }
}

TEST_P(LikelihoodDataTest, LargeAndSmallMembersInOneBatch) {
  if (backend->name() != "cpu") GTEST_SKIP() << "minutes on fibers";
  make({20, 800, 64, 900});
  expect_as_alone({1, 0, 3, 2, 0, 0});
}

TEST_P(LikelihoodDataTest, ABadMemberSpoilsNoOther) {
  for (const std::int64_t scale : {1, 4}) {
    make({30 * scale, 20 * scale, 25 * scale});
    Member& bad = members[1];
    HostMatrix targets = bad.problem.targets;
    targets(3, 0) = std::numeric_limits<double>::quiet_NaN();
    bad.targets.upload(targets);
    const std::vector<std::int32_t> which{0, 1, 2, 1, 0, 0};
    const Result found = together(which);
    for (const std::size_t a : {1u, 3u}) {
      EXPECT_NE(found.info[a], 0);
      EXPECT_EQ(found.value[a], std::numeric_limits<double>::infinity());
      for (std::int64_t k = 0; k <= kDimensions; ++k) EXPECT_EQ(found.gradient(static_cast<std::int64_t>(a), k), 0);
    }
    for (const std::size_t a : {0u, 2u, 4u}) {
      const Result right = alone(members[static_cast<std::size_t>(which[a])]);
      EXPECT_EQ(found.info[a], 0);
      expect_same(found.value[a], right.value[0], "row " + std::to_string(a));
    }
  }
}

// The row of the first bad pivot is the member's own, not that of the room it has.
TEST_P(LikelihoodDataTest, InfoCountsTheMembersOwnRows) {
  make({12, 150});
  Member& singular = members[0];
  singular.problem.theta.assign(kDimensions, 800);  // k = 1 everywhere and no noise
  singular.problem.theta.push_back(-800);
  const Result found = together({0, 1, 0});
  EXPECT_EQ(found.info[0], 2);
  EXPECT_EQ(found.info[1], 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, LikelihoodDataTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
