# The benchmark's process, built twice from the same workloads: as it is, and with calls sampled.
# It measures what is built for speed, so neither sanitizers nor another tree's options reach it.
if(NOT ALLOCRIG_CONTROLLER_ONLY AND NOT ALLOCRIG_TSAN)
  # Calls have to be made as they are written, and hot loops may call nothing else.
  set(BENCH_CHILD_OPTIONS -O2 -fno-lto -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc
      -fno-builtin-free -fno-builtin-aligned_alloc -fno-builtin-posix_memalign -fno-builtin-memalign
      -fno-builtin-memset -fno-builtin-memcpy -fno-builtin-memmove -fno-stack-protector)

  file(GLOB BENCH_WORKLOADS CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/workloads/*.c)
  list(FILTER BENCH_WORKLOADS EXCLUDE REGEX "_test\\.c$")

  # allocrig_bench_child(TARGET BUILD): BUILD is the folder of calls.h.
  function(allocrig_bench_child target build)
    add_executable(${target} child/main.c child/after.c child/alone.c child/bench.c
                   child/instructions.c child/memory.c child/served.c child/table.c child/threads.c child/words.c
                   child/${build}/sampling.c ${BENCH_WORKLOADS})
    target_sources(${target} PRIVATE ${ARGN})
    target_include_directories(${target} PRIVATE child/${build})
    target_compile_options(${target} PRIVATE ${BENCH_CHILD_OPTIONS})
    target_link_libraries(${target} PRIVATE loader base)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  endfunction()

  allocrig_bench_child(allocrig-bench-child pure)
  allocrig_bench_child(allocrig-bench-sampled sampled child/sampled/calibrate.c child/sampled/report.c histogram.c)
  target_link_libraries(allocrig-bench-sampled PRIVATE kernel)

  # The machine code of hot loops.
  add_library(bench_hot_fixture OBJECT child/hot_fixture.c)
  target_compile_options(bench_hot_fixture PRIVATE ${BENCH_CHILD_OPTIONS})
  add_test(NAME e2e.bench_hot
           COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/child/hot_test.py
                   $<TARGET_OBJECTS:bench_hot_fixture> $<TARGET_OBJECTS:allocrig-bench-child>
                   -- $<TARGET_OBJECTS:allocrig-bench-sampled>
           COMMAND_EXPAND_LISTS)
  set_tests_properties(e2e.bench_hot PROPERTIES LABELS e2e TIMEOUT 60)

  foreach(fixture pair family)
    add_library(bench_${fixture} MODULE child/${fixture}_fixture.c)
    target_compile_options(bench_${fixture} PRIVATE -fno-builtin)
  endforeach()
  add_test(NAME e2e.bench_child
           COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/child/child_test.py
                   $<TARGET_FILE:allocrig-bench-child> $<TARGET_FILE:allocrig-bench-sampled>
                   $<TARGET_FILE:void_preload> $<TARGET_FILE:bench_pair>
                   $<TARGET_FILE:bench_family>)
  set_tests_properties(e2e.bench_child PROPERTIES LABELS e2e TIMEOUT 300)
endif()

# The process without its workloads, in a tree with sanitizers too.
add_library(bench_child_core STATIC child/bench.c child/instructions.c child/memory.c child/threads.c
            child/words.c)
target_link_libraries(bench_child_core PUBLIC base)
allocrig_sanitize(bench_child_core)
add_library(bench_pure STATIC child/pure/sampling.c)
allocrig_sanitize(bench_pure)
allocrig_unit_test(bench_child_test child/bench_test.c bench_child_core bench_pure)
add_library(bench_sampled STATIC child/sampled/calibrate.c child/sampled/sampling.c histogram.c)
target_link_libraries(bench_sampled PUBLIC kernel)
allocrig_sanitize(bench_sampled)
allocrig_unit_test(bench_sampling_test child/sampled/sampling_test.c bench_child_core bench_sampled
                   bench_child_core)
