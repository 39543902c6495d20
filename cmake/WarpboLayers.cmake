# The folders of src/ as CMake targets.
#
# warpbo_layer(<folder> DEPENDS <layer or library>... SOURCES <file>...)
#   One internal static library per folder of src/, so that each layer, and its tests, build and link without those above it.
# warpbo_link_options(<folder> <option>...)
#   Linker options that whatever contains the layer's objects needs: the tests, and the public library or, if that is static, its users.
# warpbo_library()
#   The public library, made of the objects of all layers.
# warpbo_test(<folder> DEPENDS <layer>... SOURCES <file>...)
#   One GoogleTest program per folder of tests/. Test cases whose name contains "Slow" get the label `slow`.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

# What a layer finds (SQLite, OpenBLAS) must be visible where the public library is put together.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)

# From the lowest rank to the highest. A folder without a CMakeLists.txt is not part of the build.
set(WARPBO_LAYER_FOLDERS base backend optimize gp acquisition space samplers storage study)
list(JOIN WARPBO_LAYER_FOLDERS "|" WARPBO_LAYER_PATTERN)

# Flags of our own targets only: nothing leaks into a project that embeds warpbo.
add_library(warpbo_flags INTERFACE)
target_compile_features(warpbo_flags INTERFACE cxx_std_20)
target_compile_options(warpbo_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  # False alarms of GCC 12 and 13 from inside the standard library, different ones at each optimization level.
  target_compile_options(warpbo_flags INTERFACE
    -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(WARPBO_WARNINGS_AS_ERRORS)
  target_compile_options(warpbo_flags INTERFACE -Werror)
endif()
if(WARPBO_SANITIZE)
  list(JOIN WARPBO_SANITIZE "," _sanitizers)
  target_compile_options(warpbo_flags INTERFACE -fsanitize=${_sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  target_link_options(warpbo_flags INTERFACE -fsanitize=${_sanitizers})
endif()

set_property(GLOBAL PROPERTY WARPBO_LAYERS "")
set_property(GLOBAL PROPERTY WARPBO_EXTERNALS "")
set_property(GLOBAL PROPERTY WARPBO_LINK_OPTIONS "")

function(warpbo_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "DEPENDS;SOURCES")
  add_library(warpbo_${name} STATIC ${layer_SOURCES})
  set_target_properties(warpbo_${name} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON CXX_EXTENSIONS OFF)
  target_include_directories(warpbo_${name} PUBLIC
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/include")
  set(externals ${layer_DEPENDS})
  # What is named within $<BUILD_INTERFACE:...> consists of headers only: nothing to link.
  list(FILTER externals EXCLUDE REGEX "^(${WARPBO_LAYER_PATTERN})$|BUILD_INTERFACE")
  set_property(GLOBAL APPEND PROPERTY WARPBO_EXTERNALS ${externals})
  list(TRANSFORM layer_DEPENDS REPLACE "^(${WARPBO_LAYER_PATTERN})$" "warpbo_\\1")
  target_link_libraries(warpbo_${name} PRIVATE $<BUILD_INTERFACE:warpbo_flags> PUBLIC ${layer_DEPENDS})
  set_property(GLOBAL APPEND PROPERTY WARPBO_LAYERS warpbo_${name})
endfunction()

function(warpbo_link_options name)
  target_link_options(warpbo_${name} INTERFACE ${ARGN})
  set_property(GLOBAL APPEND PROPERTY WARPBO_LINK_OPTIONS ${ARGN})
endfunction()

function(warpbo_library)
  get_property(layers GLOBAL PROPERTY WARPBO_LAYERS)
  get_property(externals GLOBAL PROPERTY WARPBO_EXTERNALS)
  list(REMOVE_DUPLICATES externals)
  add_library(warpbo)
  add_library(warpbo::warpbo ALIAS warpbo)
  foreach(layer IN LISTS layers)
    target_sources(warpbo PRIVATE $<TARGET_OBJECTS:${layer}>)
  endforeach()
  set_target_properties(warpbo PROPERTIES
    LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} CXX_EXTENSIONS OFF)
  target_compile_features(warpbo PUBLIC cxx_std_20)
  target_include_directories(warpbo PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(warpbo PRIVATE $<BUILD_INTERFACE:warpbo_flags> ${externals})
  get_property(options GLOBAL PROPERTY WARPBO_LINK_OPTIONS)
  if(BUILD_SHARED_LIBS)
    target_link_options(warpbo PRIVATE ${options})
  else()
    target_link_options(warpbo INTERFACE ${options})
  endif()
  # A static OpenBLAS or SQLite inside our shared library must not answer for the host program's own.
  target_link_options(warpbo PRIVATE $<$<STREQUAL:$<TARGET_PROPERTY:warpbo,TYPE>,SHARED_LIBRARY>:-Wl,--exclude-libs,ALL>)
endfunction()

function(warpbo_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "" "" "DEPENDS;SOURCES")
  add_executable(${name}_tests ${test_SOURCES})
  target_include_directories(${name}_tests PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  list(TRANSFORM test_DEPENDS REPLACE "^(${WARPBO_LAYER_PATTERN})$" "warpbo_\\1")
  target_link_libraries(${name}_tests PRIVATE warpbo_flags ${test_DEPENDS} GTest::gtest_main)
  target_compile_options(${name}_tests PRIVATE $<$<CONFIG:Release>:-O1>)  # the tests' own code; it halves the time to build them
  gtest_discover_tests(${name}_tests DISCOVERY_MODE PRE_TEST TEST_FILTER "-*Slow*" PROPERTIES TIMEOUT 120)
  gtest_discover_tests(${name}_tests DISCOVERY_MODE PRE_TEST TEST_FILTER "*Slow*" TEST_SUFFIX ".slow"
    PROPERTIES LABELS slow TIMEOUT 1800)
endfunction()
