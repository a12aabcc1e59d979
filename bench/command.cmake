# What allocrig bench is made of beside what launches one run (benching.cmake).
target_sources(benching PRIVATE command.c digest.c export.c kind_limit.c kind_program.c
               limit_program.c plan.c program_run.c resume.c rows.c select.c session.c stats.c table.c)

add_library(bench_command STATIC cmd_bench.c)
target_link_libraries(bench_command PUBLIC benching whole)
allocrig_sanitize(bench_command)

add_library(bench_testing STATIC bench_testing.c)
target_link_libraries(bench_testing PUBLIC benching PkgConfig::CMOCKA)
allocrig_sanitize(bench_testing)

allocrig_unit_test(bench_limit_program_test limit_program_test.c benching)
allocrig_unit_test(bench_plan_test plan_test.c benching)
allocrig_unit_test(bench_resume_test resume_test.c bench_testing)
allocrig_unit_test(bench_stats_test stats_test.c benching)
allocrig_unit_test(bench_select_test select_test.c benching)
allocrig_unit_test(bench_session_test session_test.c bench_testing)
allocrig_unit_test(bench_table_test table_test.c bench_testing)

# The whole of it, as a user sees it.
if(NOT ALLOCRIG_CONTROLLER_ONLY AND NOT ALLOCRIG_TSAN)
  add_test(NAME e2e.bench
           COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${PROJECT_SOURCE_DIR}/harness/cli
                   ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/bench_test.py
                   $<TARGET_FILE:allocrig>)
  set_tests_properties(e2e.bench PROPERTIES LABELS e2e TIMEOUT 240)
endif()
