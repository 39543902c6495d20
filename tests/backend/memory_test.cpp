#include "backend/fixture.hpp"

#include <warpbo/error.hpp>

#include <cstdint>

namespace warpbo::backend::testing {
namespace {

class MemoryTest : public Conformance {};

TEST_P(MemoryTest, AllocationsAreAlignedAndTooLargeOnesAreErrors) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
    void* memory = backend->allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 256, 0u);
    backend->release(memory);
  }
  for (const std::size_t bytes : {~std::size_t{0}, std::size_t{1} << 62}) {
    try {
      backend->release(backend->allocate(bytes));
      ADD_FAILURE() << bytes << " bytes were given";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
      EXPECT_NE(std::string(error.what()).find(std::to_string(bytes)), std::string::npos) << error.what();
    }
  }
  EXPECT_GT(backend->traits().memory_limit, std::size_t{1} << 20);
}

TEST_P(MemoryTest, CopiesAndFillsViewsAndNothingElse) {
  Numbers numbers(1);
  Guarded from(backend, 5, 3, 2);
  const HostMatrix first = numbers.matrix(5, 3), second = numbers.matrix(5, 3);
  from.upload(first, 0);
  from.upload(second, 1);
  const Guarded to(backend, 5, 3, 2);
  backend->copy(from.view(), to.view());
  to.expect_guards();
  EXPECT_EQ(to.download(0).data, first.data);
  EXPECT_EQ(to.download(1).data, second.data);
  backend->fill(to.view(), 2.5);
  to.expect_guards();
  EXPECT_EQ(to.download(1).data, std::vector<double>(15, 2.5));
}

TEST_P(MemoryTest, ArenaGivesBackInStackOrder) {
  Arena arena(backend);
  double* first = nullptr;
  {
    const Arena::Scope scope(arena);
    first = arena.vector<double>(100).data;
    EXPECT_NE(arena.matrix(1000, 1000).data, nullptr);
  }
  const std::size_t high = arena.high_water();
  EXPECT_GE(high, 8'000'800u);
  const Arena::Scope scope(arena);
  EXPECT_EQ(arena.vector<double>(10).data, first);
  EXPECT_EQ(arena.high_water(), high);
}

INSTANTIATE_TEST_SUITE_P(Backends, MemoryTest, ::testing::ValuesIn(backends()), case_name);

}  // namespace
}  // namespace warpbo::backend::testing
