/*
 * lost.h - blocks that were given back and whose memory nobody gets any more: where the kernel
 * refuses to unmap it, it has to be handed out again.
 */
#ifndef EMIT_LOST_H
#define EMIT_LOST_H

/* From now on it is noted what goes. */
void lost_start(void);
/* With the ballast gone: asks for as much again, twice. */
void lost_judge(void);

#endif
