# The controller's side of benchmarks: processes, their memory, results, the machine.
add_library(benching STATIC
  histogram.c
  launch/kind_timed.c
  launch/launch.c
  launch/launch_curve.c
  launch/launch_fill.c
  launch/launch_judge.c
  launch/launch_list.c
  launch/launch_memory.c
  launch/launch_meter.c
  launch/launch_page.c
  launch/launch_return.c
  launch/launch_spawn.c
  launch/launch_speed.c
  launch/launch_watch.c
  machine.c
  machine_state.c
  machine_text.c
  machine_troubles.c
  result.c
  result_json.c
  result_read.c)
target_link_libraries(benching PUBLIC cli m)
allocrig_sanitize(benching)

# A benchmark's process that is told how to fail; never sanitized, as its memory is counted.
add_executable(launch-fake launch/launch_fake_main.c)
target_link_libraries(launch-fake PRIVATE ${CMAKE_DL_LIBS})

allocrig_unit_test(bench_histogram_test histogram_test.c benching)
allocrig_unit_test(bench_machine_test machine_test.c benching)
allocrig_unit_test(bench_result_test result_test.c benching)
allocrig_unit_test(bench_launch_test launch/launch_test.c benching)
add_dependencies(bench_launch_test launch-fake)
allocrig_unit_test(bench_launch_curve_test launch/launch_curve_test.c benching)
allocrig_unit_test(bench_launch_figures_test launch/launch_figures_test.c benching)
