# Allocators that differ in one thing alone, to prove that it is seen and what sees it.
if(NOT ALLOCRIG_CONTROLLER_ONLY AND NOT ALLOCRIG_TSAN)
  foreach(name base slow5 slow10 maps keeps)
    add_library(seeded_${name} MODULE seeded/entry.c seeded/pool.c seeded/${name}.c)
    target_compile_options(seeded_${name} PRIVATE -O2 -fno-lto -fno-builtin -fvisibility=hidden
                           -ftls-model=initial-exec)
    target_link_options(seeded_${name} PRIVATE -Wl,-z,now -Wl,-z,defs)
    set_target_properties(seeded_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
                          LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench/seeded)
  endforeach()

  # How much slower the slow ones are.
  add_executable(seeded-cost seeded/cost_main.c)
  target_compile_options(seeded-cost PRIVATE -O2 -fno-builtin)
  target_link_libraries(seeded-cost PRIVATE ${CMAKE_DL_LIBS})
  set_target_properties(seeded-cost PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

  add_test(NAME e2e.bench_seeded
           COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${PROJECT_SOURCE_DIR}/harness/cli
                   ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/seeded_test.py
                   $<TARGET_FILE:allocrig>)
  set_tests_properties(e2e.bench_seeded PROPERTIES LABELS e2e TIMEOUT 240)
endif()
