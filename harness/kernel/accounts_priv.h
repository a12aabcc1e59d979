/*
 * accounts_priv.h - what accounts.c, present.c and plug.c share.
 */
#ifndef KERNEL_ACCOUNTS_PRIV_H
#define KERNEL_ACCOUNTS_PRIV_H

#include "harness/kernel/accounts.h"
#include "harness/kernel/exclusions.h"
#include "harness/kernel/maps.h"
#include "harness/kernel/pagemap.h"

#define ACCOUNTS_EXCLUSIONS 4096 /* ranges */

enum proc_file {
	PROC_MAPS,
	PROC_STATM,
	PROC_STATUS,
	PROC_STAT,
	PROC_ROLLUP,  /* -1 where the kernel has none (before 4.14) or does not let us */
	PROC_PAGEMAP, /* the same */
	PROC_MEMINFO, /* the same */
	PROC_FILES
};

struct accounts {
	int fd[PROC_FILES];
	struct maps_reader maps;
	struct pagemap pagemap;
	struct exclusions exclusions;
	uintptr_t page; /* bytes */
	char text[4096];
};

/* The heap that brk moves, in whole pages; empty when it was never moved. */
int accounts_break(struct accounts *acc, struct span *ret_break);

#endif
