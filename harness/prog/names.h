/*
 * names.h - the words of the program format and their values.
 *
 * Each table maps lower-case words (errno names: upper case) to values and back. Lookups by text
 * take pointer and length, return -ENOENT when the word is unknown. Lookups by value return NULL
 * when there is no word.
 */
#ifndef PROG_NAMES_H
#define PROG_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

const char *op_name(unsigned code);	      /* "malloc", ...; "}" for OP_END */
int op_by_name(const char *text, size_t len); /* enum op_code or -ENOENT */

const char *errno_name(int err); /* "ENOMEM" */
int errno_by_name(const char *text, size_t len);

/* How an op may end beside `ok`: errno names, and "SIGBUS" and "SIGSEGV" for OUTCOME_SIG*. */
const char *ending_name(int outcome);
int ending_by_name(const char *text, size_t len);

const char *kcall_name(unsigned call); /* "munmap" */
int kcall_by_name(const char *text, size_t len);

/* "maps.peak"; for METRIC_CALL_* the part behind the call's name, "made" or "failed". */
const char *metric_name(unsigned metric);
const char *relation_name(unsigned relation); /* "==" */

const char *fact_name(unsigned fact); /* "thp" */
int fact_by_name(const char *text, size_t len);

/* Facts whose values are words: of "thp" "never", "madvise" and "always". */
const char *fact_value_name(unsigned fact, int64_t value);
int fact_value_by_name(unsigned fact, const char *text, size_t len, int64_t *ret_value);
bool fact_is_bytes(unsigned fact);

const char *prot_name(int prot); /* "none", "r", "rw", "rx", "rwx"; NULL for other values */
int prot_by_name(const char *text, size_t len, int *ret_prot);

int advice_by_name(const char *text, size_t len, int *ret_advice); /* "dontneed" -> MADV_DONTNEED */
const char *advice_name(int advice);

/* One MAP_ or MREMAP_ flag, lower case without the prefix: "private", "noreserve", "maymove". */
int map_flag_by_name(const char *text, size_t len, int *ret_flag);
int mremap_flag_by_name(const char *text, size_t len, int *ret_flag);
int msync_flag_by_name(const char *text, size_t len, int *ret_flag); /* "sync" -> MS_SYNC */

/* Where mmap takes its pages from, as one word: "memfd". None for SOURCE_NONE and SOURCE_SLOT. */
const char *source_name(unsigned source);
int source_by_name(const char *text, size_t len); /* enum map_source or -ENOENT */

/*
 * One entry of the flag tables, for printers: entries go from 0 until NULL is returned. A flag
 * value may have several bits (shared_validate, huge page sizes); printers test (flags & *ret_flag)
 * == *ret_flag and take away the bits of each flag that they print.
 */
const char *map_flag_at(size_t index, int *ret_flag);
const char *mremap_flag_at(size_t index, int *ret_flag);
const char *msync_flag_at(size_t index, int *ret_flag);

/* Whether a map flag is a huge page size: of these numbers in the same bits one can be given. */
bool map_flag_is_size(int flag);

/* The advices in the order of the table, NULL behind the last. */
const char *advice_at(unsigned index);

#endif
