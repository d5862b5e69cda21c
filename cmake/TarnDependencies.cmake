# SPDX-License-Identifier: MIT
# Each dependency is looked for on the machine first, and fetched at a pinned commit second.
include(FetchContent)

FetchContent_Declare(Eigen3 SYSTEM  # headers alone: its own build would add hundreds of targets
  GIT_REPOSITORY https://gitlab.com/libeigen/eigen.git
  GIT_TAG 3147391d946bb4b6c68edd901f2add6ac1f31f8c  # 3.4.0
  SOURCE_SUBDIR headers-alone
  FIND_PACKAGE_ARGS 3.4 CONFIG GLOBAL)
FetchContent_Declare(ZLIB SYSTEM EXCLUDE_FROM_ALL
  GIT_REPOSITORY https://github.com/madler/zlib.git
  GIT_TAG 51b7f2abdade71cd9bb0e7a373ef2610ec6f9daf  # 1.3.1
  FIND_PACKAGE_ARGS GLOBAL)
FetchContent_Declare(Catch2 SYSTEM
  GIT_REPOSITORY https://github.com/catchorg/Catch2.git
  GIT_TAG fa43b77429ba76c462b1898d6cd2f2d7a9416b14  # 3.7.1
  FIND_PACKAGE_ARGS CONFIG)
FetchContent_Declare(CLI11 SYSTEM
  GIT_REPOSITORY https://github.com/CLIUtils/CLI11.git
  GIT_TAG 6c7b07a878ad834957b98d0f9ce1dbe0cb204fc9  # 2.4.2
  FIND_PACKAGE_ARGS CONFIG)
FetchContent_Declare(nlohmann_json SYSTEM  # headers alone, so that tarn::io can be exported
  GIT_REPOSITORY https://github.com/nlohmann/json.git
  GIT_TAG 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03  # 3.11.3
  SOURCE_SUBDIR headers-alone
  FIND_PACKAGE_ARGS 3.10 CONFIG GLOBAL)
FetchContent_Declare(Mustache SYSTEM  # looked for as a header below: it brings no package
  GIT_REPOSITORY https://github.com/kainjow/Mustache.git
  GIT_TAG c66fdd87f01f0b2d1ba704192f27355b77746a5b  # 4.1
  SOURCE_SUBDIR headers-alone)

# Makes the imported targets of a dependency known. A macro, so that what the package sets reaches the caller too.
macro(tarn_require name)
  if("${name}" STREQUAL "Threads")
    set(THREADS_PREFER_PTHREAD_FLAG ON)
    find_package(Threads REQUIRED GLOBAL)
  elseif("${name}" STREQUAL "Mustache")
    find_path(MUSTACHE_INCLUDE_DIR kainjow/mustache.hpp)
    if(NOT MUSTACHE_INCLUDE_DIR)
      FetchContent_MakeAvailable(Mustache)
      file(COPY ${mustache_SOURCE_DIR}/mustache.hpp DESTINATION ${mustache_BINARY_DIR}/include/kainjow)
      set(MUSTACHE_INCLUDE_DIR ${mustache_BINARY_DIR}/include CACHE PATH "" FORCE)
    endif()
    if(NOT TARGET Mustache::Mustache)
      add_library(Mustache::Mustache INTERFACE IMPORTED GLOBAL)
      target_include_directories(Mustache::Mustache INTERFACE ${MUSTACHE_INCLUDE_DIR})
    endif()
  else()
    FetchContent_MakeAvailable(${name})
  endif()
  if("${name}" STREQUAL "Eigen3" AND NOT TARGET Eigen3::Eigen)
    add_library(Eigen3::Eigen INTERFACE IMPORTED GLOBAL)
    target_include_directories(Eigen3::Eigen INTERFACE ${eigen3_SOURCE_DIR})
  elseif("${name}" STREQUAL "ZLIB" AND NOT TARGET ZLIB::ZLIB)
    add_library(ZLIB::ZLIB INTERFACE IMPORTED GLOBAL)
    target_include_directories(ZLIB::ZLIB INTERFACE ${zlib_SOURCE_DIR} ${zlib_BINARY_DIR})
    target_link_libraries(ZLIB::ZLIB INTERFACE zlibstatic)
  elseif("${name}" STREQUAL "nlohmann_json" AND NOT TARGET nlohmann_json::nlohmann_json)
    add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED GLOBAL)
    target_include_directories(nlohmann_json::nlohmann_json INTERFACE ${nlohmann_json_SOURCE_DIR}/include)
  endif()
endmacro()
