/// Row G5 of the catalogue of faults, and G9: what the CUDA engine says when a device cannot be used. The stand-in's runtime
/// plays the driver.
#include "backend/cuda/cuda_backend.hpp"
#include "backend/lost_device.hpp"
#include "emulation/emulation.hpp"

#include <warpbo/error.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace warpbo::backend {
namespace {

class OpenDevice : public ::testing::Test {
 protected:
  void TearDown() override {
    emulation::reset_device();
    unsetenv("CUDA_VISIBLE_DEVICES");
  }

  /// The text with which opening device `index` is refused.
  static std::string refusal(int index = 0) {
    try {
      (void)make_cuda_engine(index);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unavailable);
      return error.what();
    }
    ADD_FAILURE() << "the device was opened";
    return {};
  }
  static std::string refusal_of(const emulation::Faults& faults) {
    emulation::set_faults(faults);
    return refusal();
  }
};

void expect_parts(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is missing from: " << text;
}

TEST_F(OpenDevice, OpensAndSaysWhatItIs) {
  const auto engine = make_cuda_engine(0);
  EXPECT_EQ(engine->name(), "cuda:0");
  EXPECT_GT(engine->traits().memory_limit, std::size_t{1} << 20);
  EXPECT_GT(engine->traits().rounds_per_check, 1);
}

TEST_F(OpenDevice, G5_NoDriver) {
  expect_parts(refusal_of({.device_count_status = cudaErrorInsufficientDriver, .driver_version = 0}),
               {"no NVIDIA driver is installed", "needs NVIDIA driver 580 or newer"});
}

TEST_F(OpenDevice, G5_DriverOlderThanTheRuntime) {
  expect_parts(refusal_of({.device_count_status = cudaErrorInsufficientDriver, .driver_version = 12040}),
               {"too old", "it supports CUDA 12.4", "needs NVIDIA driver 580 or newer"});
}

TEST_F(OpenDevice, G5_NoDevice) {
  expect_parts(refusal_of({.device_count_status = cudaErrorNoDevice}), {"no CUDA device that the driver can use"});
  expect_parts(refusal_of({.device_count = 0}), {"no CUDA device that the driver can use"});
}

TEST_F(OpenDevice, G5_DevicesAreHidden) {
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  expect_parts(refusal_of({.device_count_status = cudaErrorNoDevice}), {"CUDA_VISIBLE_DEVICES is \"\"", "unset it"});
}

TEST_F(OpenDevice, G5_StubLibraryAndMismatchedDriver) {
  expect_parts(refusal_of({.device_count_status = cudaErrorStubLibrary}), {"stub library", "LD_LIBRARY_PATH"});
  expect_parts(refusal_of({.device_count_status = cudaErrorSystemDriverMismatch}), {"different versions", "reboot"});
}

TEST_F(OpenDevice, G5_AnyOtherFailureIsNamed) {
  expect_parts(refusal_of({.device_count_status = cudaErrorSystemNotReady}), {"cudaErrorSystemNotReady", "802"});
}

TEST_F(OpenDevice, G5_DeviceThatDoesNotExist) {
  emulation::set_faults({.device_count = 2});
  expect_parts(refusal(2), {"there is no cuda:2", "sees 2 CUDA device(s)"});
  EXPECT_EQ(make_cuda_engine(1)->name(), "cuda:1");
}

TEST_F(OpenDevice, G5_NoKernelsForTheDevice) {
  // Whichever call finds out, opening is refused; where the kernels are looked for, the text says how to build them.
  bool said = false;
  for (std::int64_t call = 1; call <= 12; ++call) {
    emulation::set_faults({.call = call, .code = cudaErrorNoKernelImageForDevice});
    try {
      (void)make_cuda_engine(0);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unavailable) << error.what();
      const std::string text = error.what();
      said = said || (text.find("compute capability 9.0") != std::string::npos &&
                      text.find("-DWARPBO_CUDA_ARCHITECTURES=90") != std::string::npos);
    }
    emulation::reset_device();
  }
  EXPECT_TRUE(said);
}

TEST_F(OpenDevice, G8_LostDeviceIsNotOpenedAgain) {
  emulation::set_faults({.device_count = 8});
  mark_lost("cuda:5", "an illegal memory access was encountered");
  expect_parts(refusal(5), {"cuda:5 was lost", "illegal memory access", "restart the process"});
  EXPECT_EQ(make_cuda_engine(6)->name(), "cuda:6");
}

TEST_F(OpenDevice, G9_ForkedChildIsTold) {
  const auto engine = make_cuda_engine(0);
  void* memory = engine->allocate(64);
  const pid_t child = fork();
  if (child == 0) {
    int code = 1;
    try {
      engine->synchronize();
    } catch (const Error& error) {
      const std::string text = error.what();
      code = error.code() == ErrorCode::unavailable && text.find("forked") != std::string::npos ? 0 : 2;
    }
    engine->release(memory);  // must not touch the parent's device
    _exit(code);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  engine->release(memory);
  engine->synchronize();
}

TEST_F(OpenDevice, NothingIsLeftBehind) {
  const std::size_t bytes = emulation::live_bytes(), handles = emulation::live_handles();
  {
    const auto engine = make_cuda_engine(0);
    const Buffer<double> buffer(engine, 1000);
    buffer.upload(std::vector<double>(1000, 1.0));
    engine->run(FillSobol{buffer.matrix(100, 10), 1, 0});
    engine->synchronize();
  }
  EXPECT_EQ(emulation::live_bytes(), bytes);
  EXPECT_EQ(emulation::live_handles(), handles);
}

}  // namespace
}  // namespace warpbo::backend
