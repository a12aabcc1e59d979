# google-benchmark for C, and micro-benchmarks of malloc and mmap on it. The one C++ file is gbench.cc.
if(ALLOCRIG_FUZZ OR ALLOCRIG_TSAN OR ALLOCRIG_FUZZ_ENGINE)
  return()
endif()

set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
enable_language(CXX)
find_package(benchmark 1.7 REQUIRED)

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
