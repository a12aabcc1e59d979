/*
 * ring.h - doubly linked rings whose members are structs with a struct ring inside.
 *
 * A ring is named by one member, its head, or by NULL when it is empty. Rotating it is moving the
 * head on.
 */
#ifndef GUARD_RING_H
#define GUARD_RING_H

#include <stddef.h>

struct ring {
	struct ring *prev, *next;
};

#define RING_OWNER(at, type, member) ((type *)((char *)(at)-offsetof(type, member)))

/* As the last one: just before the head. */
static inline void ring_append(struct ring **head, struct ring *at)
{
	if (*head) {
		at->next = *head;
		at->prev = (*head)->prev;
		at->prev->next = at;
		at->next->prev = at;
	} else {
		*head = at->prev = at->next = at;
	}
}

static inline void ring_remove(struct ring **head, struct ring *at)
{
	if (at->next == at) {
		*head = NULL;
		return;
	}
	at->prev->next = at->next;
	at->next->prev = at->prev;
	if (*head == at)
		*head = at->next;
}

#endif
