# warpbo::warpbo from the layers of a tree that is built already (WARPBO_PYTHON_BUILD_TREE), linked in as if compiled here. The tests use
# it: compiling the library a second time would be most of what they cost.
get_filename_component(_source "${CMAKE_CURRENT_SOURCE_DIR}/.." ABSOLUTE)
get_filename_component(_tree "${WARPBO_PYTHON_BUILD_TREE}" ABSOLUTE)
file(GLOB _layers CONFIGURE_DEPENDS "${_tree}/src/*/libwarpbo_*.a")
if(NOT _layers OR NOT EXISTS "${_tree}/include/warpbo/version.hpp")
  message(FATAL_ERROR "WARPBO_PYTHON_BUILD_TREE is ${WARPBO_PYTHON_BUILD_TREE}, where no warpbo was built.")
endif()

list(APPEND CMAKE_MODULE_PATH "${_source}/cmake")
find_package(OpenBLASSerial REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Threads REQUIRED)
add_library(warpbo_built INTERFACE)
add_library(warpbo::warpbo ALIAS warpbo_built)
target_include_directories(warpbo_built INTERFACE "${_source}/include" "${_tree}/include")
target_link_libraries(warpbo_built INTERFACE -Wl,--start-group ${_layers} -Wl,--end-group
  OpenBLASSerial::OpenBLASSerial SQLite::SQLite3 Threads::Threads ${CMAKE_DL_LIBS})
if(OpenBLASSerial_LIBRARY)
  target_link_options(warpbo_built INTERFACE LINKER:--wrap=blas_memory_alloc LINKER:--wrap=blas_memory_free
    LINKER:--undefined=__wrap_blas_memory_alloc)
endif()
