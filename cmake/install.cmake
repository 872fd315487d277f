# An installed tree that find_package(riffle) finds.
include(CMakePackageConfigHelpers)

install(TARGETS riffle EXPORT riffle-targets)
install(TARGETS riffle-cli)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/riffle DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tools/stan_model.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/riffle)
install(FILES ${PROJECT_SOURCE_DIR}/tools/stan_glue.cpp DESTINATION ${CMAKE_INSTALL_DATADIR}/riffle)
install(EXPORT riffle-targets NAMESPACE riffle::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/riffle)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/riffle-config.cmake.in
  ${PROJECT_BINARY_DIR}/riffle-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/riffle)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/riffle-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/riffle-config.cmake
  ${PROJECT_BINARY_DIR}/riffle-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/riffle)
