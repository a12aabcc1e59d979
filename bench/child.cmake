# The benchmark's process, built twice from the same workloads: as it is, and with calls sampled.
# It measures what is built for speed, so neither sanitizers nor another tree's options reach it.
if(NOT ALLOCRIG_CONTROLLER_ONLY AND NOT ALLOCRIG_TSAN)
  # Calls have to be made as they are written, and hot loops may call nothing else.
  set(BENCH_CHILD_OPTIONS -O2 -fno-lto -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc
      -fno-builtin-free -fno-builtin-aligned_alloc -fno-builtin-posix_memalign -fno-builtin-memalign
      -fno-builtin-memset -fno-builtin-memcpy -fno-builtin-memmove -fno-stack-protector
      $<$<C_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns>)

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
    target_link_libraries(${target} PRIVATE loader)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  endfunction()

  allocrig_bench_child(allocrig-bench-child pure)
  allocrig_bench_child(allocrig-bench-sampled sampled child/sampled/calibrate.c child/sampled/report.c histogram.c)
  target_link_libraries(allocrig-bench-sampled PRIVATE kernel)
endif()
