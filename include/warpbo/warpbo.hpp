/// Everything public, for programs that use studies.
#pragma once

#include <warpbo/device.hpp>
#include <warpbo/error.hpp>
#include <warpbo/fleet.hpp>
#include <warpbo/gaussian_process.hpp>
#include <warpbo/sampler.hpp>
#include <warpbo/space.hpp>
#include <warpbo/storage.hpp>
#include <warpbo/study.hpp>
#include <warpbo/trial.hpp>
#include <warpbo/version.hpp>
