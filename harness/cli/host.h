/*
 * host.h - the machine that a result was measured on.
 */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include <stdint.h>

struct host {
	char kernel[65];
	char thp[16]; /* "always", "madvise", "never" or "" */
	char cpu[128];
	int64_t max_map_count; /* or -errno */
	unsigned cpus;
};

void host_read(struct host *ret_host);

#endif
