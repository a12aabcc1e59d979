/*
 * facts.h - what is so on this machine: settings, limits, and which calls the kernel has. Features
 * are tried on memory of our own. Asked before the first statement.
 */
#ifndef EMIT_FACTS_H
#define EMIT_FACTS_H

#include <stdint.h>

int64_t fact_overcommit(void);	  /* vm.overcommit_memory */
int64_t fact_thp(void);		  /* never 0, madvise 1, always 2 */
int64_t fact_root(void);	  /* 1: effective user id 0 */
int64_t fact_ram(void);		  /* bytes */
int64_t fact_swap(void);	  /* bytes */
int64_t fact_memlock(void);	  /* RLIMIT_MEMLOCK in bytes; INT64_MAX: no limit */
int64_t fact_max_map_count(void); /* vm.max_map_count */
int64_t fact_hugepages(void);	  /* HugePages_Free */
int64_t fact_guard_install(void); /* 1: MADV_GUARD_INSTALL works, and so on */
int64_t fact_populate_write(void);
int64_t fact_collapse(void);
int64_t fact_wipeonfork(void);
int64_t fact_dontunmap(void);
int64_t fact_fixed_noreplace(void);
int64_t fact_shm(void);

/* Where it does not hold the program is not possible here. */
#define NEED(what, relation, value)                                                                \
	need((what), (what)relation(int64_t)(value), #what " " #relation " " #value)
void need(int64_t found, int holds, const char *what);

#endif
