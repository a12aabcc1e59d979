/*
 * describe_kernel.h - what this kernel does with mappings, measured.
 *
 * Four tables. Limits: the highest number of maps at which a call still succeeds. Merges: how many
 * maps something comes to. Costs: medians in nanoseconds. Features: what there is. Each row is
 * measured or says why not. Every group of rows is filled by throw-away child processes with a
 * time limit (describe_kernel_child.h); what they did not get to stays not measured.
 *
 * The description is plain data on shared memory. Rows come in the order of their tables, of which
 * the words and the JSON keys are.
 */
#ifndef CLI_DESCRIBE_KERNEL_H
#define CLI_DESCRIBE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "harness/cli/runner.h"

#define KERNEL_LIMITS	32
#define KERNEL_MERGES	48
#define KERNEL_COSTS	24
#define KERNEL_FEATURES 64

/* Why a row is not measured: errno, in words. 0: its group never got there (`why` of that). */
struct limit_row {
	bool measured;
	bool any;	     /* also at the highest count that can be reached */
	int32_t highest;     /* relative to vm.max_map_count; INT32_MIN: lower than was tried */
	int32_t refusal;     /* errno of the refusal right above; 0: none was seen */
	int32_t left_behind; /* maps more after the highest count that was refused */
	int32_t err;
};

struct merge_row {
	bool measured;
	int32_t maps;
	int32_t err;
};

struct cost_row {
	bool measured;
	double ns;
	int32_t err;
};

enum feature_state { FEATURE_NOT_MEASURED, FEATURE_YES, FEATURE_NO, FEATURE_NOT_TRIED };

struct feature_row {
	char name[32];
	uint8_t state; /* enum feature_state */
	char detail[80];
};

struct kernel_description {
	struct limit_row limit[KERNEL_LIMITS];
	struct merge_row merge[KERNEL_MERGES];
	struct cost_row cost[KERNEL_COSTS];
	struct feature_row feature[KERNEL_FEATURES];
	uint32_t nfeatures;
	int32_t highest_count; /* that can be reached, relative to vm.max_map_count */
	/* Why the rows of a group that are not measured are not, in words; "" where all are. */
	char limits_why[160], merges_why[160], costs_why[160], features_why[160];
};

/* The words of a row, and its key in JSON. */
struct row_words {
	const char *key;
	const char *words;
	const char *how; /* costs: how it was measured */
};

/* NULL from the end of the table on. */
const struct row_words *kernel_limit_words(size_t index);
const struct row_words *kernel_merge_words(size_t index);
const struct row_words *kernel_cost_words(size_t index);

/* Each measures its group in child processes and fills its part. */
void kernel_measure_limits(struct kernel_description *d);
void kernel_measure_merges(struct kernel_description *d);
void kernel_measure_costs(struct kernel_description *d);
void kernel_measure_features(struct kernel_description *d);

/* Settings of the machine and limits of this process. -1: not known. */
struct kernel_machine {
	char release[65], build_id[65], arch[65], cpu[128];
	unsigned cpus;
	int64_t page_bytes;
	int64_t max_map_count;
	int64_t overcommit;
	int64_t commit_limit_bytes, committed_bytes;
	int64_t thp; /* as fact_thp */
	int64_t thp_bytes;
	int64_t ram_bytes, swap_bytes;
	int64_t memlock_bytes; /* INT64_MAX: no limit */
	int64_t hugepages_free, hugepage_bytes;
	int64_t aslr;	    /* randomize_va_space */
	bool aslr_off_here; /* ADDR_NO_RANDOMIZE of this process */
	bool root;
};

void kernel_machine_read(struct kernel_machine *ret_machine);

void kernel_print(FILE *out, const struct kernel_machine *m, const struct kernel_description *d);
json_t *kernel_json(const struct subject *s, const struct kernel_machine *m,
		    const struct kernel_description *d);

/* Measures all and writes it. Returns the exit code. */
int describe_kernel(const struct subject *s, const char *json_path);

#endif
