# What allocrig bench is made of beside what launches one run (launch/benching.cmake).
target_sources(benching PRIVATE
  command/command.c
  command/digest.c
  command/export.c
  command/kind_limit.c
  command/kind_program.c
  command/limit_program.c
  command/plan.c
  command/program_run.c
  command/resume.c
  command/rows.c
  command/select.c
  command/session.c
  command/stats.c
  command/table.c)

add_library(bench_command STATIC command/cmd_bench.c)
target_link_libraries(bench_command PUBLIC benching whole)
allocrig_sanitize(bench_command)

add_library(bench_testing STATIC command/bench_testing.c)
target_link_libraries(bench_testing PUBLIC benching PkgConfig::CMOCKA)
allocrig_sanitize(bench_testing)

allocrig_unit_test(bench_limit_program_test command/limit_program_test.c benching)
allocrig_unit_test(bench_plan_test command/plan_test.c benching)
allocrig_unit_test(bench_resume_test command/resume_test.c bench_testing)
allocrig_unit_test(bench_stats_test command/stats_test.c benching)
allocrig_unit_test(bench_select_test command/select_test.c benching)
allocrig_unit_test(bench_session_test command/session_test.c bench_testing)
allocrig_unit_test(bench_table_test command/table_test.c bench_testing)

# The whole of it, as a user sees it.
if(NOT ALLOCRIG_CONTROLLER_ONLY AND NOT ALLOCRIG_TSAN)
  add_test(NAME e2e.bench
           COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${PROJECT_SOURCE_DIR}/harness/cli
                   ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/command/bench_test.py
                   $<TARGET_FILE:allocrig>)
  set_tests_properties(e2e.bench PROPERTIES LABELS e2e TIMEOUT 240)
endif()
