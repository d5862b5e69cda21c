# SPDX-License-Identifier: MIT
# cmake -DPRESET=... -DDIR=... -DTARGETS=... [-DOPTIONS=...] -P build_preset.cmake, in the root of the project
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${CMAKE_COMMAND} --preset ${PRESET} -B ${DIR} ${OPTIONS} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${DIR} --target ${TARGETS} COMMAND_ERROR_IS_FATAL ANY)
