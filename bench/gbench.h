/*
 * gbench.h - google-benchmark for C.
 *
 * A family is a function under a name; with arguments, ranges and thread counts it becomes several
 * benchmarks. gbench_main reads google-benchmark's own --benchmark_* flags and writes its own
 * formats. A benchmark's function loops like this, and pays no call per iteration:
 *
 *	uint64_t n;
 *
 *	while ((n = gbench_batch(s, UINT64_MAX)) > 0) {
 *		for (uint64_t i = 0; i < n; i++)
 *			work();
 *	}
 *
 * It is called several times with ever more iterations until they take long enough, and in as many
 * threads as asked for. It must loop until gbench_batch says 0, unless it has skipped: the library
 * aborts otherwise, as it does on arguments that it cannot take.
 *
 * A row is a value that is no time but shall be compared like one (maps, bytes): it leaves as a
 * benchmark NAME/ROW of its own, real_time and cpu_time being the value, its unit the label, and
 * has aggregates where NAME has some.
 */
#ifndef BENCH_GBENCH_H
#define BENCH_GBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A pointer or number that the compiler has to have ready here; all of memory. */
#define GBENCH_KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")
#define GBENCH_CLOBBER()   __asm__ volatile("" : : : "memory")

struct gbench;	     /* a family; the library's, as long as the process runs */
struct gbench_state; /* one thread of one run of a benchmark */

typedef void gbench_function(struct gbench_state *s, void *ctx);

enum gbench_unit { GBENCH_NS, GBENCH_US, GBENCH_MS, GBENCH_S };

/* How a counter is shown; OR-ed. Threads' counters are added up first. */
enum gbench_counter {
	GBENCH_PLAIN = 0,
	GBENCH_RATE = 1,	   /* divided by the benchmark's time */
	GBENCH_THREAD_AVERAGE = 2, /* divided by the threads */
	GBENCH_PER_ITERATION = 4,  /* the same in each: multiplied by the iterations */
	GBENCH_AVERAGE = 8,	   /* divided by the iterations */
	GBENCH_INVERT = 16,	   /* 1 / what comes out, at last */
	GBENCH_1024 = 32	   /* k, M, G are powers of 1024 to people */
};

/* Ends of a range, both in it. */
struct gbench_span {
	int64_t first, last;
};

struct gbench_list {
	const int64_t *values;
	size_t n;
};

/* What a family is made of: before gbench_main. `ctx` is passed on. Names are copied. */
struct gbench *gbench_register(const char *name, gbench_function *fn, void *ctx);

/* One benchmark each; a family has as many arguments each time. */
void gbench_arg(struct gbench *b, int64_t value);
void gbench_args(struct gbench *b, const int64_t *values, size_t n);
/* The ends, and the powers of the multiplier (8) in between. Set the multiplier first. */
void gbench_range_multiplier(struct gbench *b, int multiplier);
void gbench_range(struct gbench *b, struct gbench_span span);
void gbench_dense_range(struct gbench *b, struct gbench_span span, int step);
/* Every combination, of ranges or of lists. */
void gbench_ranges(struct gbench *b, const struct gbench_span *spans, size_t n);
void gbench_product(struct gbench *b, const struct gbench_list *lists, size_t n);
void gbench_arg_names(struct gbench *b, const char *const *names, size_t n);

void gbench_threads(struct gbench *b, int threads);
void gbench_thread_range(struct gbench *b, int least, int most); /* powers of 2 */
void gbench_dense_thread_range(struct gbench *b, int least, int most, int step);
void gbench_thread_per_cpu(struct gbench *b);

void gbench_iterations(struct gbench *b, int64_t n); /* exactly so many */
void gbench_repetitions(struct gbench *b, int n);
void gbench_min_time(struct gbench *b, double s);
void gbench_min_warmup_time(struct gbench *b, double s);
void gbench_unit(struct gbench *b, enum gbench_unit unit);
void gbench_real_time(struct gbench *b);
void gbench_manual_time(struct gbench *b); /* gbench_set_time says it */
void gbench_process_cpu_time(struct gbench *b);
void gbench_aggregates_only(struct gbench *b);

/*
 * The iterations to do now, at most `most` (1 or more); the clock runs from the first call on. 0:
 * it is over, or was skipped.
 */
uint64_t gbench_batch(struct gbench_state *s, uint64_t most);

uint64_t gbench_total(const struct gbench_state *s); /* iterations of this run, done or not */
int64_t gbench_value(const struct gbench_state *s, size_t arg); /* abort() without that argument */
unsigned gbench_thread(const struct gbench_state *s);		/* 0.. */
unsigned gbench_thread_count(const struct gbench_state *s);

/* Between two batches, or inside of one; as costly as reading clocks. */
void gbench_pause(struct gbench_state *s);
void gbench_resume(struct gbench_state *s);
/* Seconds that the iteration, or the batch, took: added up. */
void gbench_set_time(struct gbench_state *s, double seconds);

/*
 * No numbers but this message: for this benchmark failed or cannot be run here. At any time while
 * the clock does not stand still. Other threads go on.
 */
void gbench_skip(struct gbench_state *s, const char *why);
bool gbench_skipped(const struct gbench_state *s);

/* After the loop. */
void gbench_label(struct gbench_state *s, const char *label);
void gbench_items(struct gbench_state *s, uint64_t items); /* of this thread, in all iterations */
void gbench_bytes(struct gbench_state *s, uint64_t bytes);
/* `flags` of enum gbench_counter. */
void gbench_count(struct gbench_state *s, const char *name, double value, unsigned flags);
/* Of one thread: several would add up. */
void gbench_row(struct gbench_state *s, const char *name, double value, const char *unit);

/* A line of the output's context. Before gbench_main. */
void gbench_context(const char *key, const char *value);

/*
 * Runs what the flags ask for. Returns 0; 2 when the output could not be written; 3 when there was
 * an argument that nobody knows, or a filter that fits nothing. Flags may exit.
 */
int gbench_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
