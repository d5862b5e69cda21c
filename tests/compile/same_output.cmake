# SPDX-License-Identifier: MIT
# cmake -DFIRST=<program> -DSECOND=<program> -P same_output.cmake: fails unless both end well and print the same, and something.
foreach(program FIRST SECOND)
  execute_process(COMMAND ${${program}} OUTPUT_VARIABLE printed_${program} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(printed_FIRST STREQUAL "" OR NOT printed_FIRST STREQUAL printed_SECOND)
  message(FATAL_ERROR "${FIRST} printed:\n${printed_FIRST}\n${SECOND} printed:\n${printed_SECOND}")
endif()
