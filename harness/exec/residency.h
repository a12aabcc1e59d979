/*
 * residency.h - is as much of the program's mappings resident as the page model says? Asked where
 * the kernel itself is judged.
 */
#ifndef EXEC_RESIDENCY_H
#define EXEC_RESIDENCY_H

#include <stdint.h>

struct child;

/* `rss_bytes`: what is owned and resident now, exactly; less than 0: not known. */
void residency_judge(struct child *c, int64_t rss_bytes);

/* Measures and judges, at the end of a fork child. */
void residency_judge_now(struct child *c);

#endif
