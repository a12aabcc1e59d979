/*
 * facts.h - what is so on this machine: settings, limits, and which calls the kernel has.
 *
 * A program's expectations may depend on them (`when`, `needs`). Settings are read, never changed.
 * A feature is tried on memory of our own, never taken from a version number. Results are those of
 * the calling process: limits and privilege are its own.
 *
 * Async-signal-safe; no allocation, no stdio. Leaves the address space as it was.
 */
#ifndef KERNEL_FACTS_H
#define KERNEL_FACTS_H

#include <stdint.h>

/* vm.overcommit_memory: 0, 1 or 2. */
int fact_overcommit(int64_t *ret_value);
/* /sys/kernel/mm/transparent_hugepage/enabled: never 0, madvise 1, always 2; no such file: 0. */
int fact_thp(int64_t *ret_value);
/* 1: shared anonymous memory, memfd and shm objects may get huge pages (shmem_enabled). */
int fact_shmem_thp(int64_t *ret_value);
/* A line of /proc/meminfo, "MemTotal", as bytes (of HugePages_*: a count). -ENOENT: no such line.
 */
int fact_meminfo(const char *line, int64_t *ret_value);
/* RLIMIT_MEMLOCK in bytes; INT64_MAX: none, also for those with CAP_IPC_LOCK. */
int fact_memlock(int64_t *ret_value);
/* 1: shm_open makes objects. */
int fact_shm(int64_t *ret_value);
/* 1: the kernel knows the advice for private anonymous memory that is mapped and touched. */
int fact_advice(int advice, int64_t *ret_value);
/* 1: mremap knows MREMAP_DONTUNMAP. */
int fact_dontunmap(int64_t *ret_value);
/* 1: mmap honours MAP_FIXED_NOREPLACE (older kernels take it for a hint). */
int fact_fixed_noreplace(int64_t *ret_value);

#endif
