# SPDX-License-Identifier: MIT
# Headers and a package `tarn` with one exported file a component: find_package(tarn COMPONENTS data).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/tarn)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tarn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

get_property(components GLOBAL PROPERTY TARN_COMPONENTS)
foreach(component IN LISTS components)
  get_target_property(target tarn::${component} ALIASED_TARGET)
  install(TARGETS ${target} EXPORT tarn-${component} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT tarn-${component} NAMESPACE tarn:: FILE tarn-${component}-targets.cmake DESTINATION ${package_dir})
endforeach()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tarn-config.cmake.in ${PROJECT_BINARY_DIR}/tarn-config.cmake
  INSTALL_DESTINATION ${package_dir})
set(any_architecture ARCH_INDEPENDENT)
if(TARN_COMPILED)
  set(any_architecture)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tarn-config-version.cmake
  COMPATIBILITY SameMinorVersion ${any_architecture})
install(FILES ${PROJECT_SOURCE_DIR}/cmake/TarnCuda.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/tarn-config.cmake ${PROJECT_BINARY_DIR}/tarn-config-version.cmake
  DESTINATION ${package_dir})
