# An installed tree that find_package(riffle) finds.
include(CMakePackageConfigHelpers)

install(TARGETS riffle riffle_c EXPORT riffle-targets)
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

# For pkg-config; the prefix is told from where the file is, so that the tree may be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(RIFFLE_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(RIFFLE_PC_PREFIX "\${pcfiledir}/${up}")
endif()
get_target_property(type riffle TYPE)
# What a static library needs, whoever links it has to name.
set(RIFFLE_PC_PRIVATE "")
set(RIFFLE_PC_HIDDEN " -Wl,--exclude-libs,libriffle.a")
if(type STREQUAL "SHARED_LIBRARY")
  set(RIFFLE_PC_PRIVATE ".private")
  set(RIFFLE_PC_HIDDEN "")
endif()
foreach(name IN ITEMS riffle riffle-c)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
