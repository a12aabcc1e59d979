/*
 * whole_job.h - one run in the launcher: processes are started, waited for and ended.
 */
#ifndef BENCH_WHOLE_JOB_H
#define BENCH_WHOLE_JOB_H

#include <stdint.h>
#include <sys/resource.h>

#include "bench/whole/whole.h"
#include "bench/whole/whole_watch.h"

enum job_end {
	JOB_EXIT,      /* the process that was waited for has ended: its status */
	JOB_TIMEOUT,   /* everything has been killed */
	JOB_CANCELLED, /* a signal, or the controller is gone: everything has been killed */
	JOB_BROKEN     /* the launcher could not do its work: `text` */
};

struct job {
	const struct whole_program *program;
	const char *tool, *preload; /* files, separated by colons; NULL: none */
	const char *file;	    /* the one that has to be mapped; NULL: not looked at */
	bool bindings; /* the loader writes down what it binds, all of it at the start */
	bool counts;   /* the counting file is preloaded and writes its counts */
	unsigned percent;
	uint64_t deadline_ns;
	int lifeline; /* -1: none */
	int signals;  /* signalfd */

	/* What came of it. */
	pid_t main_pid;
	int main_status; /* of wait; -1: it runs */
	struct rusage usage;
	int64_t final_rss, final_maps; /* of a server when all is given back; -1: not read */
	uint64_t load_ns;	       /* of the work itself: no start, no end */
	bool client_failed;	       /* a server stood and did not do its work: `text` */
	unsigned left_over;	       /* processes that were there when the program had ended */
	const char *stage;	       /* what was being done */
	char text[128];
	struct watch watch;
};

struct job_command {
	const char *tool;	   /* executable */
	const char *const *args;   /* NULL-terminated; or */
	int (*work)(struct job *); /* done in the process, which ends with what it returns */
	const char *output;	   /* file of standard output */
	bool is_subject;	   /* gets the preload */
};

/* 0 or -errno, which is that of a failed exec too. The process has its program by then. */
int job_start(struct job *j, const struct job_command *c, pid_t *ret_pid);

/*
 * Waits for a process, watching, or for the end of the subject, whichever comes first. With
 * JOB_EXIT *ret_status is of the process; -1 if it was the subject that ended before it.
 */
enum job_end job_wait(struct job *j, pid_t pid, int *ret_status);

/* Ends all that was started and what that has started. How many there were at once. */
unsigned job_end_all(struct job *j);

#endif
