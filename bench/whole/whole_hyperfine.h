/*
 * whole_hyperfine.h - results of whole programs in the form of hyperfine's --export-json, for the
 * scripts that read it.
 */
#ifndef BENCH_WHOLE_HYPERFINE_H
#define BENCH_WHOLE_HYPERFINE_H

#include <stddef.h>

/*
 * From a file of JSON Lines (allocrig.bench/1) one file a program, DIR/PROGRAM.json, which has one
 * entry of `results` an allocator: all its runs that went well, in order, over all blocks, and
 * their statistics. DIR is made. Made anew from the lines each time, so nothing is counted twice.
 * Returns how many files were written, or -errno with one line in err.
 */
int whole_hyperfine_export(const char *lines_path, const char *dir, char *err, size_t err_size);

#endif
