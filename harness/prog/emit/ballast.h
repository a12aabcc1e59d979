/*
 * ballast.h - filler VMAs that leave so many map counts of headroom that the kernel itself refuses
 * what goes beyond: one inaccessible region of which every second page gets another protection.
 */
#ifndef EMIT_BALLAST_H
#define EMIT_BALLAST_H

/* Before vmas_plug; last of all before the first statement; in a fork child, which has none. */
void ballast_reserve(void);
/* Without any again. */
void ballast_drop(void);
void ballast_raise(long headroom);
void ballast_forked(void);

#endif
