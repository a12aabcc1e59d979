/*
 * say.h - where the program is, and how it ends: exit 0 right, 1 wrong, 2 it could not do its work,
 * 77 not possible here. What is wrong ends the process at once, with the line of the program.
 */
#ifndef EMIT_SAY_H
#define EMIT_SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE ((size_t)4096)

/*
 * How a call ended: OK, an errno, FAULT(SIGSEGV), SKIPPED: it could not be made;
 * NO_ERRNO: it failed and said not why.
 */
enum { OK = 0, SKIPPED = -1, NO_ERRNO = -2 };
#define FAULT(signal) (128 + (signal))

/* The statement that runs now, by its line, and in it the call on one slot. */
void at(unsigned line);
unsigned line_now(void);
void in_call(const char *call, char space, unsigned slot);

/* From now on it is wrong when no thread comes further. A fork child begins anew. */
void watch_start(void);
/* For a process that has a watch of its own. */
void watch_waits(bool waits);

__attribute__((format(printf, 1, 2))) _Noreturn void wrong(const char *format, ...);
/* Why not is in errno. */
_Noreturn void broken(const char *what);
__attribute__((format(printf, 1, 2))) _Noreturn void impossible(const char *format, ...);
/* It goes on, and ends with 77 when nothing is wrong. */
__attribute__((format(printf, 1, 2))) void undecided(const char *format, ...);

/* ALLOW(unmap(0, ALL), OK, ENOMEM): any other outcome is wrong. The call may ask what is allowed.
 */
#define ALLOW(call, ...)                                                                           \
	do {                                                                                       \
		allowing((const int[]){__VA_ARGS__},                                               \
			 sizeof((const int[]){__VA_ARGS__}) / sizeof(int));                        \
		allow(call);                                                                       \
	} while (0)
struct allowed {
	const int *outcome;
	size_t n; /* 0: nothing is said */
};
void allowing(const int *outcomes, size_t n);
void allow(int outcome);
const struct allowed *allowed_now(void);
bool is_allowed(int outcome);

/* What cannot be measured here. */
#define NOT_KNOWN INT64_MIN

/* EXPECT(maps(), ==, 1) */
#define EXPECT(metric, relation, value)                                                            \
	do {                                                                                       \
		int64_t found_ = (metric);                                                         \
		expect(found_, found_ relation(int64_t)(value), #metric " " #relation " " #value); \
	} while (0)
void expect(int64_t found, int holds, const char *what);

/* The exit code of a process that came to its end. */
int finish(void);

#endif
