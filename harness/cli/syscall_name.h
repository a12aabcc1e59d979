/*
 * syscall_name.h - the names of system calls, as the headers know them that allocrig was built
 * with.
 */
#ifndef CLI_SYSCALL_NAME_H
#define CLI_SYSCALL_NAME_H

#include <stdint.h>

/* "munmap"; NULL for a number that has no name there. */
const char *syscall_name(uint32_t nr);

/* The same, and "syscall_467" where there is no name. */
struct syscall_word {
	char s[40];
};
struct syscall_word syscall_word(uint32_t nr);

#endif
