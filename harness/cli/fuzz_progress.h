/*
 * fuzz_progress.h - how a session is going, for who watches: a line on a terminal that is replaced
 * four times a second, else one a minute on standard error.
 */
#ifndef CLI_FUZZ_PROGRESS_H
#define CLI_FUZZ_PROGRESS_H

#include "harness/cli/fuzz_session.h"

struct fuzz_progress {
	uint64_t said_ns, rate_ns; /* when it was last said, and measured */
	uint64_t inputs;	   /* then */
	double rate;		   /* inputs a second since the time before */
};

void progress_begin(struct fuzz_progress *p, const struct fuzz_session *s);

/* To be called often. */
void progress_say(struct fuzz_progress *p, const struct fuzz_session *s);

/* How soon something may be to be said. */
int progress_poll_ms(void);

#endif
