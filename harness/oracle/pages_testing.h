/*
 * pages_testing.h - a stage for the page model: calls that are made up, on 64 pages of real memory.
 *
 * Pages are numbered from the start of that memory, which can be read and written whatever the
 * model is told.
 */
#ifndef ORACLE_PAGES_TESTING_H
#define ORACLE_PAGES_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "harness/oracle/pages.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

struct stage {
	struct arena own, shared;
	struct pages *pages;
	struct finding_sink sink;
	struct call_event event;
	uintptr_t base; /* of 64 pages of real memory, for what is touched */
	uint64_t page;
};

/* A call that answered `err`, or else with `result`. */
struct made {
	uint32_t nr;
	int err;
	uint64_t result;
	uint32_t object;
	bool file, at_limit;
};

void open_stage(struct stage *s, struct pages_options o);
void close_stage(struct stage *s);
void open_kernel_stage(struct stage *s);
uintptr_t at(const struct stage *s, uint64_t page);
void follow(struct stage *s, struct made m, const uint64_t arg[6]);
void map(struct stage *s, uint64_t first, uint64_t pages, uint64_t prot, uint64_t flags);
void map_file(struct stage *s, uint64_t first, uint64_t pages, uint64_t flags, uint32_t object);
void advise(struct stage *s, uint64_t first, uint64_t pages, uint64_t advice, int err);
void move(struct stage *s, uint64_t from, uint64_t pages, uint64_t to, uint64_t new_pages,
	  uint64_t flags);
void unmap(struct stage *s, uint64_t first, uint64_t bytes);
void access_pages(struct stage *s, enum page_access_kind kind, uint64_t first, uint64_t pages);
void touch(struct stage *s, uint64_t first, uint64_t pages);
uint64_t word_at(const struct stage *s, uint64_t page);
struct page_view look(const struct stage *s, uint64_t page);
void assert_word(const struct stage *s, uint64_t page, uint64_t word);
void assert_can(const struct stage *s, uint64_t page, enum page_can can);
void assert_resident(const struct stage *s, uint64_t low, uint64_t high);
void assert_finding(const struct stage *s, enum finding_kind kind, enum finding_rule rule);

#endif
