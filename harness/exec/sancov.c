/*
 * sancov.c - the callbacks of allocators that are built with -fsanitize-coverage=...
 *
 * The names and their arguments are those of clang's SanitizerCoverage and of gcc's trace-pc and
 * trace-cmp; the child exports them. Counters are noted; all else is there so that files which
 * want more than counters can be loaded, and does nothing. Constructors of preloaded files call
 * this before main, and any code in the middle of an allocator call.
 */
#include <stdint.h>

#include "harness/exec/edges.h"

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop)
{
	edges_add(start, stop);
}

/* -fsanitize-coverage=stack-depth, of which -fsanitize=fuzzer-no-link is made too. */
extern _Thread_local uintptr_t __sancov_lowest_stack __attribute__((tls_model("initial-exec")));
_Thread_local uintptr_t __sancov_lowest_stack;

/* Their arguments come in registers, which nobody looks at. */
#define NOTHING(name)                                                                              \
	void __sanitizer_cov_##name(void);                                                         \
	void __sanitizer_cov_##name(void)                                                          \
	{                                                                                          \
	}

/* clang-format off: a table */
NOTHING(pcs_init)
NOTHING(cfs_init)
NOTHING(bool_flag_init)
NOTHING(trace_pc_guard_init)
NOTHING(trace_pc_guard)
NOTHING(trace_pc)
NOTHING(trace_pc_indir)
NOTHING(stack_depth)
NOTHING(trace_cmp1)
NOTHING(trace_cmp2)
NOTHING(trace_cmp4)
NOTHING(trace_cmp8)
NOTHING(trace_const_cmp1)
NOTHING(trace_const_cmp2)
NOTHING(trace_const_cmp4)
NOTHING(trace_const_cmp8)
NOTHING(trace_cmpf)
NOTHING(trace_cmpd)
NOTHING(trace_switch)
NOTHING(trace_div4)
NOTHING(trace_div8)
NOTHING(trace_gep)
NOTHING(load1)
NOTHING(load2)
NOTHING(load4)
NOTHING(load8)
NOTHING(load16)
NOTHING(store1)
NOTHING(store2)
NOTHING(store4)
NOTHING(store8)
NOTHING(store16)
/* clang-format on */
