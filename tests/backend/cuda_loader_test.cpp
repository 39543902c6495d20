#include "backend/cuda_plugin.hpp"
#include "backend/open.hpp"

#include <warpbo/error.hpp>

#include <gtest/gtest.h>

#include <string>

namespace warpbo::backend {
namespace {

using Files = std::vector<std::filesystem::path>;

/// The text of the error with which `action` must fail as unavailable.
template <class Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unavailable);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(CudaLoader, G5_NoEngineInstalled) {
  const std::string text = refusal([] { (void)load_cuda_engine(Files{"/nowhere/libwarpbo_cuda.so", "/neither/x.so"}); });
  EXPECT_TRUE(contains(text, "/nowhere/libwarpbo_cuda.so") && contains(text, "/neither/x.so")) << text;
}

TEST(CudaLoader, G5_EngineWhoseLibrariesAreMissing) {
  const std::string text = refusal([] { (void)load_cuda_engine(Files{WARPBO_BROKEN_ENGINE}); });
  EXPECT_TRUE(contains(text, "libwarpbo_missing_dependency.so")) << text;
}

TEST(CudaLoader, EngineOfAnotherBuildIsRefused) {
  const std::string text = refusal([] { (void)load_cuda_engine(Files{WARPBO_OLD_ENGINE}); });
  EXPECT_TRUE(contains(text, "0.0.0-old") && contains(text, "install both from one build")) << text;
}

TEST(CudaLoader, ErrorsOfTheEngineArriveAsErrors) {
  OpenCudaEngine* open = load_cuda_engine(Files{"/nowhere/first.so", WARPBO_FAKE_ENGINE});
  std::shared_ptr<Backend> backend;
  EXPECT_EQ(refusal([&] { open(3, &backend); }), "there is no cuda:3");
  EXPECT_EQ(backend, nullptr);
}

TEST(CudaLoader, G5_TheEngineOnAMachineWithoutADriverNamesTheDriverItNeeds) {
  const std::string file = WARPBO_REAL_ENGINE;
  if (file.empty()) GTEST_SKIP() << "the CUDA engine is not part of this build";
  OpenCudaEngine* open = load_cuda_engine(Files{file});
  std::shared_ptr<Backend> backend;
  try {
    open(0, &backend);
    GTEST_SKIP() << "this machine has a working CUDA device";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unavailable);
    EXPECT_TRUE(contains(error.what(), "this build needs NVIDIA driver ")) << error.what();
    EXPECT_TRUE(contains(error.what(), "or newer (CUDA ")) << error.what();
  }
}

TEST(CudaLoader, G5_AutomaticTakesTheCpuAndSaysWhy) {
  Opened opened;
  try {
    opened = {make_cuda_backend(0), {}};
    GTEST_SKIP() << "this machine has a working CUDA device";
  } catch (const Error& error) {
    opened = open_backend(Device::automatic());
    EXPECT_EQ(opened.backend->name(), "cpu");
    EXPECT_EQ(opened.notice, std::string("using the CPU: ") + error.what());
    const std::string text = refusal([] { (void)open_backend(Device::cuda(0)); });
    EXPECT_TRUE(contains(text, error.what()) && contains(text, "device \"cpu\" or \"auto\" works without a GPU")) << text;
  }
}

}  // namespace
}  // namespace warpbo::backend
