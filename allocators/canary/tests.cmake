# One test for each canary: NAME.prog beside this file, NAME.so in the build tree. And one behind
# them all, which counts what they found.
#
# allocrig_canary_tests(NAME...)
function(allocrig_canary_tests)
  set(here ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  set(built ${CMAKE_BINARY_DIR}/allocators/canary)
  foreach(name IN LISTS ARGN)
    add_test(NAME canary.${name}
             COMMAND ${Python3_EXECUTABLE} -B ${here}/canary_test.py $<TARGET_FILE:allocrig>
                     ${built} ${name})
    set_tests_properties(canary.${name} PROPERTIES LABELS canary TIMEOUT 120
                         FIXTURES_SETUP canaries)
  endforeach()
  add_test(NAME canary.coverage
           COMMAND ${Python3_EXECUTABLE} -B ${here}/coverage_test.py
                   ${PROJECT_SOURCE_DIR}/harness/oracle/finding.h ${built} ${ARGN})
  set_tests_properties(canary.coverage PROPERTIES LABELS canary TIMEOUT 20
                       FIXTURES_REQUIRED canaries)
endfunction()
