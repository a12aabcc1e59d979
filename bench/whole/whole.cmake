# Whole programs under hyperfine. The launcher links libc alone: what it has before exec counts to
# the program's ru_maxrss.
add_library(whole_programs STATIC whole/whole_programs.c whole/whole_loads.c)
allocrig_sanitize(whole_programs)

add_library(whole STATIC
  whole/whole.c
  whole/whole_bindings.c
  whole/whole_folder.c
  whole/whole_hyperfine.c
  whole/whole_proof.c
  whole/whole_start.c)
target_link_libraries(whole PUBLIC benching whole_programs)
allocrig_sanitize(whole)

add_executable(whole-once whole/whole_once_main.c)
target_link_libraries(whole-once PRIVATE whole)
set_target_properties(whole-once PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
allocrig_sanitize(whole-once)

allocrig_unit_test(bench_whole_bindings_test whole/whole_bindings_test.c whole)
allocrig_unit_test(bench_whole_loads_test whole/whole_loads_test.c whole_programs)

if(NOT ALLOCRIG_CONTROLLER_ONLY AND NOT ALLOCRIG_TSAN)
  add_executable(allocrig-whole-run whole/whole_run_main.c whole/whole_job.c whole/whole_redis.c whole/whole_watch.c)
  target_link_libraries(allocrig-whole-run PRIVATE whole_programs)
  set_target_properties(allocrig-whole-run PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

  # Counts calls in the untimed run on glibc.
  add_library(allocrig-whole-count MODULE whole/whole_count.c)
  target_compile_options(allocrig-whole-count PRIVATE -fno-builtin -fvisibility=hidden)
  set_target_properties(allocrig-whole-count PROPERTIES PREFIX ""
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_dependencies(whole-once allocrig-whole-run allocrig-whole-count)

  add_test(NAME e2e.bench_whole
           COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/whole/whole_test.py
                   $<TARGET_FILE:whole-once> $<TARGET_FILE:guard>
                   ${CMAKE_C_COMPILER})
  set_tests_properties(e2e.bench_whole PROPERTIES LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
