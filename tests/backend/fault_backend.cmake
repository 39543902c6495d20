# The fault-injecting backend, for the test programs of several folders: include this file and depend on warpbo_fault_backend.
if(NOT TARGET warpbo_fault_backend)
  add_library(warpbo_fault_backend STATIC "${CMAKE_CURRENT_LIST_DIR}/fault_backend.cpp")
  target_include_directories(warpbo_fault_backend PUBLIC "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(warpbo_fault_backend PRIVATE warpbo_flags PUBLIC warpbo_backend)
endif()
