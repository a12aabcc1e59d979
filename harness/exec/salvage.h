/*
 * salvage.h - what a child left on the shared page, made safe to read.
 *
 * An allocator under test can write anywhere, and the page is writable for it. Nothing on it is
 * believed: numbers that index are bounded, strings are terminated, and findings that cannot be
 * are left out. What the controller itself put there is put back.
 */
#ifndef EXEC_SALVAGE_H
#define EXEC_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "harness/exec/shared.h"

/*
 * A private copy of the page, which processes that outlived the run cannot change. Unmapped with
 * munmap(bytes). Returns 0 or -ENOMEM.
 */
int salvage_copy(const struct run_shared *shared, size_t bytes, struct run_shared **ret_copy);

/*
 * Makes a copy sound; `cfg` is what the controller had asked for. Only the controller writes that:
 * where it reads otherwise the allocator wrote over the page. Then nothing on it can be believed
 * and all of it is cleared but one finding that says so; returns whether it was that.
 */
bool salvage_page(struct run_shared *s, const struct run_config *cfg);

/*
 * The findings alone, of a page that others may go on writing to, as salvage_page would leave them.
 * Returns what that returns.
 */
bool salvage_findings(const struct run_shared *s, const struct run_config *cfg,
		      struct finding_sink *ret_findings);

/* Whether `pid` is `root` or was started by it: a pid on the page may be anybody's. */
bool salvage_is_descendant(pid_t pid, pid_t root);

#endif
