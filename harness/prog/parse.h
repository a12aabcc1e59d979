/*
 * parse.h - reads the text format, one statement at a time, in fixed memory.
 *
 * A reader pulls bytes from a seekable file descriptor through a buffer of its own and never
 * allocates, so the same code runs in the controller (which checks the whole text first) and in
 * the child (which executes it). Memory does not depend on the program's length.
 *
 * Errors: functions return 0 or -errno. -EINVAL comes with a filled `struct prog_error` (1-based
 * line and column, what was found, what was expected); -EIO and the like with its message alone.
 */
#ifndef PROG_PARSE_H
#define PROG_PARSE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/prog/op.h"

#define PROG_LINE_MAX 4096 /* bytes of one line without its newline */

struct prog_error {
	uint32_t line, column; /* 1-based; column counts bytes; 0 when there is no place */
	char message[224];     /* "found 'x', expected a size"; no file name, no newline, printable
				  ASCII */
};

/* A place between two statements. Opaque; copy freely. */
struct prog_mark {
	off_t offset;
	uint32_t line, stmt, depth;
	struct {
		uint32_t stmt, line, column; /* line and column of the opening */
		uint8_t code, thread, in_fork, in_parallel;
	} block[PROG_MAX_DEPTH];
};

struct prog_reader {
	int fd;
	struct prog_mark at; /* of the next statement */
	off_t buf_offset;    /* file offset of buf[0] */
	uint32_t buf_len, eof;
	uint32_t header_done;
	struct prog_header header;
	char buf[65536];
};

/*
 * Starts at the first line and reads the version line and the header lines. The descriptor is
 * read with pread alone and stays the caller's.
 */
int prog_reader_init(struct prog_reader *r, int fd, struct prog_error *err);

/* The next op (or OP_END). Returns 1 at the end of the text, 0 with an op, or -errno. */
int prog_reader_next(struct prog_reader *r, struct op *ret_op, struct prog_error *err);

/* Goes back (or forward) to a place that was `r->at` before. */
void prog_reader_seek(struct prog_reader *r, const struct prog_mark *mark);

/* One pass over the whole text: the header, the sizes, or the first error. */
int prog_scan(int fd, struct prog_info *ret_info, struct prog_error *err);

#define PROG_FAULT_CALLS 4

/* A refusal as the command line names it: of several calls, which are counted together. */
struct prog_fault {
	struct fault_plan plan;		 /* plan.call is call[0] */
	uint32_t call[PROG_FAULT_CALLS]; /* enum kcall, each once */
	uint32_t ncalls;
};

/*
 * What follows the word `fault` in a header line, and there may be several calls:
 * "mmap,brk ENOMEM nth=5". Returns 0, or -EINVAL with the error (its line is 1).
 */
int prog_fault_parse(const char *text, struct prog_fault *ret_fault, struct prog_error *err);

/*
 * The text of one op without indent and newline, NUL-terminated: parsing it gives the op back.
 * `outer_thread` is the thread that the enclosing block runs on (0 at the top); `@n` is printed
 * where the op's thread differs. Returns the length, -ENOSPC (4096 bytes always suffice), or
 * -EINVAL for an op that no text gives (an unknown flag, MAP_FIXED without a target).
 */
int op_print(const struct op *op, unsigned outer_thread, char *buf, size_t size);

/* The version line and header lines, each with a newline. Returns as op_print does. */
int prog_header_print(const struct prog_header *h, char *buf, size_t size);

#endif
