# The first trials of an example, with the command of this build, in a copy of its folder:
# cmake -DEXAMPLE=<folder> -DWARPBO=<the command> -DWORK=<scratch folder> [-DDATA=<file to copy there>] -P example.cmake
# The example must run from its sweep file alone, every trial must give a value, and `best` must know it afterwards.
file(REMOVE_RECURSE "${WORK}")
file(COPY "${EXAMPLE}/" DESTINATION "${WORK}" PATTERN runs EXCLUDE)
if(DATA)
  file(COPY "${DATA}" DESTINATION "${WORK}")
endif()
execute_process(COMMAND "${WARPBO}" run --trials 6 WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0 OR NOT output MATCHES "6 complete, 0 failed")
  message(FATAL_ERROR "the run failed (${result}):\n${output}")
endif()
execute_process(COMMAND "${WARPBO}" best WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0 OR NOT output MATCHES "accuracy = [0-9.]+ ")
  message(FATAL_ERROR "best failed (${result}):\n${output}")
endif()
message(STATUS "${output}")
