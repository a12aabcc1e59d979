# The controller's side of benchmarks: processes, their memory, results, the machine.
add_library(benching STATIC histogram.c machine.c machine_state.c machine_text.c machine_troubles.c
            result.c result_json.c result_read.c)
target_link_libraries(benching PUBLIC cli m)
allocrig_sanitize(benching)

allocrig_unit_test(bench_histogram_test histogram_test.c benching)
allocrig_unit_test(bench_machine_test machine_test.c benching)
allocrig_unit_test(bench_result_test result_test.c benching)
