# Finds BLAS for the CPU backend: target OpenBLASSerial::OpenBLASSerial, variable OpenBLASSerial_LIBRARY.
#
# First choice is the single-threaded OpenBLAS as a static library (Debian: libopenblas-serial-dev): warpbo parallelizes above it, and
# linked in it can neither start threads beside the host program's nor be replaced by another BLAS at run time. Otherwise whatever
# BLAS CMake finds, which must be safe to call from several threads at once (the shared single-threaded OpenBLAS is not).
set(_openblas_folders openblas-serial)
if(CMAKE_LIBRARY_ARCHITECTURE)
  list(PREPEND _openblas_folders "${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial")
endif()
find_library(OpenBLASSerial_LIBRARY NAMES libopenblas.a PATH_SUFFIXES ${_openblas_folders} NO_DEFAULT_PATH
  PATHS /usr/lib /usr/local/lib)

if(OpenBLASSerial_LIBRARY)
  set(_openblas_libraries "${OpenBLASSerial_LIBRARY}")
else()
  find_package(BLAS QUIET)
  if(BLAS_FOUND)
    set(_openblas_libraries "${BLAS_LIBRARIES}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenBLASSerial REQUIRED_VARS _openblas_libraries
  REASON_FAILURE_MESSAGE "Install Debian's libopenblas-serial-dev, or any BLAS.")
mark_as_advanced(OpenBLASSerial_LIBRARY)

if(OpenBLASSerial_FOUND AND NOT TARGET OpenBLASSerial::OpenBLASSerial)
  if(OpenBLASSerial_LIBRARY)
    add_library(OpenBLASSerial::OpenBLASSerial UNKNOWN IMPORTED)
    set_target_properties(OpenBLASSerial::OpenBLASSerial PROPERTIES
      IMPORTED_LOCATION "${OpenBLASSerial_LIBRARY}" INTERFACE_LINK_LIBRARIES "m")
  else()
    add_library(OpenBLASSerial::OpenBLASSerial INTERFACE IMPORTED)
    set_target_properties(OpenBLASSerial::OpenBLASSerial PROPERTIES INTERFACE_LINK_LIBRARIES "${_openblas_libraries}")
  endif()
endif()
