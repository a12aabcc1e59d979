# Whether workloads ask for what they are described by: built a third time, with calls that count.
add_library(bench-counted STATIC workloads/cfrac.c workloads/espresso.c workloads/blocks.c
            workloads/quantiles.c workloads/counted/counted.c child/words.c)
target_include_directories(bench-counted PRIVATE workloads/counted)
allocrig_sanitize(bench-counted)
allocrig_unit_test(shapes_test workloads/shapes_test.c bench-counted)

# Each workload as it is, at a part of its work.
if(NOT ALLOCRIG_CONTROLLER_ONLY AND NOT ALLOCRIG_TSAN)
  allocrig_unit_test(workloads_test workloads/workloads_test.c)
  target_compile_definitions(workloads_test PRIVATE
    BENCH_CHILD="$<TARGET_FILE:allocrig-bench-child>" BENCH_VOID="$<TARGET_FILE:void_preload>")
  add_dependencies(workloads_test allocrig-bench-child void_preload)
endif()
