# The supervisor of fuzz targets, and a target that does as it is told, for its tests.
add_library(fuzzing STATIC
  fuzz_climb.c
  fuzz_command.c
  fuzz_files.c
  fuzz_filing.c
  fuzz_log.c
  fuzz_process.c
  fuzz_progress.c
  fuzz_report.c
  fuzz_report_json.c
  fuzz_seeds.c
  fuzz_session.c
  fuzz_spawn.c
  fuzz_store.c
  fuzz_store_json.c
  fuzz_targets.c
  fuzz_totals.c
  fuzz_worker.c)
target_link_libraries(fuzzing PUBLIC cli prog)
allocrig_sanitize(fuzzing)

set(fake ${CMAKE_BINARY_DIR}/fuzz_fake)
add_executable(fuzz-fake fuzz_fake_main.c)
target_link_libraries(fuzz-fake PRIVATE cli)
set_target_properties(fuzz-fake PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${fake})
allocrig_sanitize(fuzz-fake)
add_custom_command(TARGET fuzz-fake POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E create_symlink fuzz-fake ${fake}/fuzz_alloc
  COMMAND ${CMAKE_COMMAND} -E create_symlink fuzz-fake ${fake}/fuzz_mmap
  COMMAND ${CMAKE_COMMAND} -E create_symlink fuzz-fake ${fake}/fuzz_diff)

allocrig_unit_test(fuzz_log_test fuzz_log_test.c fuzzing)
allocrig_unit_test(fuzz_store_test fuzz_store_test.c fuzzing)

if(NOT ALLOCRIG_SANITIZE)
  add_test(NAME e2e.fuzz
           COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_test.py
                   $<TARGET_FILE:allocrig>)
  # Some thousand by hand: tools/fuzz_kill.py 1000
  add_test(NAME e2e.fuzz_kill
           COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tools/fuzz_kill.py 20
                   --allocrig $<TARGET_FILE:allocrig>)
  set_tests_properties(e2e.fuzz e2e.fuzz_kill PROPERTIES LABELS e2e TIMEOUT 400)
  set_tests_properties(e2e.fuzz PROPERTIES COST 190)
endif()
