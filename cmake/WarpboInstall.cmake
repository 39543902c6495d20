# What `cmake --install` writes: library, command, headers, and the files by which find_package and pkg-config find them.
include(CMakePackageConfigHelpers)

set(WARPBO_CONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/warpbo")
install(TARGETS warpbo EXPORT warpboTargets
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT development
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/warpbo" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
  FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_BINARY_DIR}/include/warpbo/version.hpp" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/warpbo" COMPONENT development)
install(EXPORT warpboTargets NAMESPACE warpbo:: DESTINATION "${WARPBO_CONFIG_DIR}" COMPONENT development)

if(TARGET warpbo_cuda)
  # Beside the library, which loads it when a GPU is wanted. CUDA's own libraries are looked for where the system's loader looks, and where
  # NVIDIA's packages put them.
  set_target_properties(warpbo_cuda PROPERTIES INSTALL_RPATH "$ORIGIN:/usr/local/cuda/lib64")
  install(TARGETS warpbo_cuda LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT cuda)
endif()

if(TARGET warpbo_cli)
  # The installed command finds the installed library beside it, wherever the tree is moved.
  file(RELATIVE_PATH _warpbo_library_path "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
  set_target_properties(warpbo_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${_warpbo_library_path}")
  install(TARGETS warpbo_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
endif()

# A shared warpbo needs nothing of its consumers. A static one needs, at link time, what it was built with.
set(WARPBO_STATIC_DEPENDENCIES "")
set(WARPBO_PC_LIBS_PRIVATE "")
if(NOT BUILD_SHARED_LIBS)
  get_property(_externals GLOBAL PROPERTY WARPBO_EXTERNALS)
  list(REMOVE_DUPLICATES _externals)
  foreach(external IN LISTS _externals)
    if(NOT TARGET ${external})
      string(APPEND WARPBO_PC_LIBS_PRIVATE " -l${external}")
      continue()
    endif()
    string(REGEX REPLACE "::.*" "" package ${external})
    string(REGEX REPLACE "^SQLite$" "SQLite3" package ${package})
    string(APPEND WARPBO_STATIC_DEPENDENCIES "find_dependency(${package})\n")
    if(EXISTS "${PROJECT_SOURCE_DIR}/cmake/Find${package}.cmake")
      install(FILES "${PROJECT_SOURCE_DIR}/cmake/Find${package}.cmake" DESTINATION "${WARPBO_CONFIG_DIR}" COMPONENT development)
    endif()
    get_target_property(type ${external} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
      string(APPEND WARPBO_PC_LIBS_PRIVATE " $<TARGET_FILE:${external}>")
    endif()
    get_target_property(needed ${external} INTERFACE_LINK_LIBRARIES)
    if(needed)
      list(TRANSFORM needed PREPEND "-l" REGEX "^[A-Za-z0-9_]+$")
      list(JOIN needed " " needed)
      string(APPEND WARPBO_PC_LIBS_PRIVATE " ${needed}")
    endif()
  endforeach()
  get_property(_options GLOBAL PROPERTY WARPBO_LINK_OPTIONS)
  foreach(option IN LISTS _options)
    string(REPLACE "LINKER:" " -Wl," option "${option}")
    string(APPEND WARPBO_PC_LIBS_PRIVATE "${option}")
  endforeach()
  string(APPEND WARPBO_PC_LIBS_PRIVATE " -lstdc++ -lm -pthread")
endif()
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/warpbo-config.cmake.in" "${PROJECT_BINARY_DIR}/warpbo-config.cmake"
  INSTALL_DESTINATION "${WARPBO_CONFIG_DIR}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/warpbo-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/warpbo-config.cmake" "${PROJECT_BINARY_DIR}/warpbo-config-version.cmake"
  DESTINATION "${WARPBO_CONFIG_DIR}" COMPONENT development)

# pkg-config: the prefix is relative to the file, so that an installed tree can be moved.
file(RELATIVE_PATH WARPBO_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" WARPBO_PC_PREFIX "${WARPBO_PC_PREFIX}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/warpbo.pc.in" "${PROJECT_BINARY_DIR}/warpbo.pc.in" @ONLY)
file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/warpbo.pc" INPUT "${PROJECT_BINARY_DIR}/warpbo.pc.in")
install(FILES "${PROJECT_BINARY_DIR}/warpbo.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
