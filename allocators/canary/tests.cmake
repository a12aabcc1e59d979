# One test for each canary: NAME.prog beside this file, NAME.so in the build tree.
#
# allocrig_canary_tests(NAME...)
function(allocrig_canary_tests)
  foreach(name IN LISTS ARGN)
    add_test(NAME canary.${name}
             COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/canary_test.py
                     $<TARGET_FILE:allocrig> $<TARGET_FILE_DIR:canary-${name}> ${name})
    set_tests_properties(canary.${name} PROPERTIES LABELS canary TIMEOUT 120)
  endforeach()
endfunction()
