# Allocators with coverage, as their maintainers would build them: their edges go to fuzzers. clang
# alone has these counters, whatever builds the rest.
find_program(CLANG clang)
set(INSTRUMENTED ${CMAKE_BINARY_DIR}/allocators/instrumented)

# allocrig_instrumented(NAME FOLDER SOURCES...): build/allocators/instrumented/NAME.so
function(allocrig_instrumented name folder)
  list(TRANSFORM ARGN PREPEND ${folder}/ OUTPUT_VARIABLE sources)
  file(GLOB headers CONFIGURE_DEPENDS ${folder}/*.h)
  add_custom_command(OUTPUT ${INSTRUMENTED}/${name}.so
    COMMAND ${CMAKE_COMMAND} -E make_directory ${INSTRUMENTED}
    COMMAND ${CLANG} -std=gnu17 -D_GNU_SOURCE -I${PROJECT_SOURCE_DIR} -O2 -g -fPIC -shared
            -fvisibility=hidden -fno-builtin -ftls-model=initial-exec
            -fsanitize-coverage=inline-8bit-counters,pc-table,trace-cmp
            -o ${INSTRUMENTED}/${name}.so ${sources}
    DEPENDS ${sources} ${headers}
    VERBATIM)
  add_custom_target(instrumented-${name} ALL DEPENDS ${INSTRUMENTED}/${name}.so)
endfunction()

if(CLANG AND NOT ALLOCRIG_SANITIZE AND NOT ALLOCRIG_TSAN)
  get_target_property(guard_sources guard SOURCES)
  allocrig_instrumented(guard ${CMAKE_CURRENT_SOURCE_DIR}/guard ${guard_sources})
  allocrig_instrumented(overlap ${CMAKE_CURRENT_SOURCE_DIR}/canary overlap.c canary_core.c)
endif()
