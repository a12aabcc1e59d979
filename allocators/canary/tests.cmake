# One test for each canary: NAME.prog beside this file, NAME.so in the build tree; of the broken
# kernels kernel/NAME.prog. And one behind them all, which counts what they found.
#
# allocrig_canary_tests(ALLOCATORS NAME... KERNELS NAME...)
function(allocrig_canary_tests)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "ALLOCATORS;KERNELS")
  set(here ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  set(built ${CMAKE_BINARY_DIR}/allocators/canary)
  foreach(name IN LISTS arg_ALLOCATORS)
    add_test(NAME canary.${name}
             COMMAND ${Python3_EXECUTABLE} -B ${here}/canary_test.py $<TARGET_FILE:allocrig>
                     ${built} ${name})
    set_tests_properties(canary.${name} PROPERTIES LABELS canary TIMEOUT 120
                         FIXTURES_SETUP canaries)
  endforeach()
  foreach(name IN LISTS arg_KERNELS)
    list(APPEND kernels kernel-${name})
    add_test(NAME canary.kernel.${name}
             COMMAND ${Python3_EXECUTABLE} -B ${here}/kernel/kernel_canary_test.py
                     $<TARGET_FILE:allocrig> $<TARGET_FILE:broken-kernel> ${built} ${name})
    set_tests_properties(canary.kernel.${name} PROPERTIES LABELS canary TIMEOUT 60
                         FIXTURES_SETUP canaries)
  endforeach()
  add_test(NAME canary.coverage
           COMMAND ${Python3_EXECUTABLE} -B ${here}/coverage_test.py
                   ${PROJECT_SOURCE_DIR}/harness/oracle/finding.h ${built} ${arg_ALLOCATORS} ${kernels})
  set_tests_properties(canary.coverage PROPERTIES LABELS canary TIMEOUT 20
                       FIXTURES_REQUIRED canaries)
endfunction()
