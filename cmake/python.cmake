# What the wheel of the Python package has besides python/riffle: the library, and what compiles Stan programs.
install(FILES $<TARGET_FILE:riffle_c> DESTINATION riffle RENAME libriffle_c.so)
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tools/stan_model.sh DESTINATION riffle/share)
install(FILES ${PROJECT_SOURCE_DIR}/tools/stan_glue.cpp DESTINATION riffle/share)
