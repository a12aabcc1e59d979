/*
 * names.h - the words of the program format and their values.
 *
 * Each table maps lower-case words (errno names: upper case) to values and back. Lookups by text
 * take pointer and length, return -ENOENT when the word is unknown. Lookups by value return NULL
 * when there is no word.
 */
#ifndef PROG_NAMES_H
#define PROG_NAMES_H

#include <stddef.h>
#include <stdint.h>

const char *op_name(unsigned code);	      /* "malloc", ...; "}" for OP_END */
int op_by_name(const char *text, size_t len); /* enum op_code or -ENOENT */

const char *errno_name(int err); /* "ENOMEM" */
int errno_by_name(const char *text, size_t len);

const char *kcall_name(unsigned call); /* "munmap" */
int kcall_by_name(const char *text, size_t len);

/* "maps.peak"; for METRIC_CALL_* the part behind the call's name, "made" or "failed". */
const char *metric_name(unsigned metric);
const char *relation_name(unsigned relation); /* "==" */

const char *prot_name(int prot); /* "none", "r", "rw", "rx", "rwx"; NULL for other values */
int prot_by_name(const char *text, size_t len, int *ret_prot);

int advice_by_name(const char *text, size_t len, int *ret_advice); /* "dontneed" -> MADV_DONTNEED */
const char *advice_name(int advice);

/* One MAP_ or MREMAP_ flag, lower case without the prefix: "private", "noreserve", "maymove". */
int map_flag_by_name(const char *text, size_t len, int *ret_flag);
int mremap_flag_by_name(const char *text, size_t len, int *ret_flag);

/*
 * One entry of the flag tables, for printers: entries go from 0 until NULL is returned. A flag
 * value may have several bits (shared_validate, huge page sizes); printers test (flags & *ret_flag)
 * == *ret_flag and take away the bits of each flag that they print.
 */
const char *map_flag_at(size_t index, int *ret_flag);
const char *mremap_flag_at(size_t index, int *ret_flag);

#endif
