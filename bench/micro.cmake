# google-benchmark for C, and micro-benchmarks of malloc and mmap on it. The one C++ file is gbench.cc.
if(ALLOCRIG_FUZZ OR ALLOCRIG_TSAN OR ALLOCRIG_FUZZ_ENGINE)
  return()
endif()

# The C++ compiler that belongs to the C one: clang's is not what CMake would take first.
if(CMAKE_C_COMPILER_ID STREQUAL Clang AND NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  string(REGEX REPLACE "clang([^/]*)$" "clang++\\1" clang_of_cxx ${CMAKE_C_COMPILER})
  if(EXISTS ${clang_of_cxx})
    set(CMAKE_CXX_COMPILER ${clang_of_cxx})
  endif()
endif()
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
include(CheckLanguage)
check_language(CXX)
find_package(benchmark 1.7 QUIET)
if(NOT CMAKE_CXX_COMPILER OR NOT benchmark_FOUND)
  message(STATUS "No allocrig-micro: it needs g++ (or clang++) and libbenchmark-dev")
  return()
endif()
enable_language(CXX)

add_library(gbench STATIC gbench.cc)
# In place of the options of C.
set_target_properties(gbench PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
                      COMPILE_OPTIONS "-Wall;-Wextra;-Werror")
target_link_libraries(gbench PRIVATE benchmark::benchmark)
allocrig_sanitize(gbench)
allocrig_unit_test(gbench_test gbench_test.c gbench PkgConfig::JANSSON)

# In a tree with sanitizers malloc is theirs.
if(ALLOCRIG_CONTROLLER_ONLY)
  return()
endif()

add_executable(allocrig-micro micro/batch.c micro/block.c micro/churn.c micro/cross.c micro/grow.c
               micro/loops.c micro/mapping.c micro/memory.c micro/memory_child.c
               micro/micro_main.c micro/served.c)
# Compilers delete pairs of malloc and free that they know.
target_compile_options(allocrig-micro PRIVATE -fno-builtin)
find_package(Threads REQUIRED)
target_link_libraries(allocrig-micro PRIVATE gbench kernel Threads::Threads ${CMAKE_DL_LIBS})
set_target_properties(allocrig-micro PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# allocrig_micro_test(NAME SECONDS ARGUMENTS...): of micro/NAME_test.py
function(allocrig_micro_test name seconds)
  add_test(NAME e2e.micro_${name}
           COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/micro/${name}_test.py
                   $<TARGET_FILE:allocrig-micro> ${ARGN})
  set_tests_properties(e2e.micro_${name} PROPERTIES LABELS e2e TIMEOUT ${seconds}
                       SKIP_RETURN_CODE 77)
endfunction()

allocrig_micro_test(loops 60)
allocrig_micro_test(served 60)
allocrig_micro_test(compare 120)
# Seconds of work on each of the allocators, which time alone says little about.
# All others by hand: it takes ten seconds for each.
allocrig_micro_test(whole 600 $<TARGET_FILE:allocrig> jemalloc guard)
