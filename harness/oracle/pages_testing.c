#include "harness/oracle/pages_testing.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void open_stage(struct stage *s, struct pages_options o)
{
	*s = (struct stage){.page = (uint64_t)sysconf(_SC_PAGESIZE)};
	o.page_bytes = s->page;
	o.capacity = o.capacity ? o.capacity : 100;
	assert_int_equal(arena_init(&s->own, pages_private_bytes(&o)), 0);
	assert_int_equal(arena_init(&s->shared, pages_shared_bytes(&o)), 0);
	assert_int_equal(pages_new(&s->own, &s->shared, &o, &s->pages), 0);
	s->base = (uintptr_t)mmap(NULL, 64 * s->page, RW, ANON, -1, 0);
	assert_ptr_not_equal((void *)s->base, MAP_FAILED);
}

void close_stage(struct stage *s)
{
	munmap((void *)s->base, 64 * s->page);
	arena_release(&s->own);
	arena_release(&s->shared);
}

void open_kernel_stage(struct stage *s)
{
	open_stage(s, (struct pages_options){.kernel = true});
}

uintptr_t at(const struct stage *s, uint64_t page)
{
	return s->base + page * s->page;
}

void follow(struct stage *s, struct made m, const uint64_t arg[6])
{
	struct kernel_call k = {.nr = m.nr, .err = m.err, .result = (int64_t)m.result};

	if (m.err)
		k.result = -m.err;
	memcpy(k.arg, arg, sizeof(k.arg));
	pages_follow(s->pages, &(struct pages_call){.call = &k,
						    .object = m.object,
						    .anonymous = !m.file,
						    .at_limit = m.at_limit});
}

void map(struct stage *s, uint64_t first, uint64_t pages, uint64_t prot, uint64_t flags)
{
	follow(s, (struct made){.nr = SYS_mmap, .result = at(s, first)},
	       (uint64_t[6]){0, pages * s->page, prot, flags, UINT64_MAX});
}

void map_file(struct stage *s, uint64_t first, uint64_t pages, uint64_t flags, uint32_t object)
{
	follow(s,
	       (struct made){
		       .nr = SYS_mmap, .result = at(s, first), .object = object, .file = true},
	       (uint64_t[6]){0, pages * s->page, RW, flags, 3});
}

void advise(struct stage *s, uint64_t first, uint64_t pages, uint64_t advice, int err)
{
	follow(s, (struct made){.nr = SYS_madvise, .err = err},
	       (uint64_t[6]){at(s, first), pages * s->page, advice});
}

void move(struct stage *s, uint64_t from, uint64_t pages, uint64_t to, uint64_t new_pages,
	  uint64_t flags)
{
	follow(s, (struct made){.nr = SYS_mremap, .result = at(s, to)},
	       (uint64_t[6]){at(s, from), pages * s->page, new_pages * s->page, flags, at(s, to)});
}

void unmap(struct stage *s, uint64_t first, uint64_t bytes)
{
	follow(s, (struct made){.nr = SYS_munmap}, (uint64_t[6]){at(s, first), bytes});
}

void access_pages(struct stage *s, enum page_access_kind kind, uint64_t first, uint64_t pages)
{
	struct page_access a = {kind, at(s, first), at(s, first + pages), 5};

	assert_int_equal(pages_access(s->pages, &a, &s->event, &s->sink), 0);
}

void touch(struct stage *s, uint64_t first, uint64_t pages)
{
	access_pages(s, PAGES_TOUCH, first, pages);
}

uint64_t word_at(const struct stage *s, uint64_t page)
{
	return *(uint64_t *)at(s, page);
}

struct page_view look(const struct stage *s, uint64_t page)
{
	struct page_view v;

	pages_look(s->pages, at(s, page), &v);
	return v;
}

void assert_word(const struct stage *s, uint64_t page, uint64_t word)
{
	struct page_view v = look(s, page);

	assert_true(v.known);
	assert_int_equal(v.word[0], word);
	assert_int_equal(v.word[1], word);
}

void assert_can(const struct stage *s, uint64_t page, enum page_can can)
{
	assert_int_equal(look(s, page).can, can);
}

void assert_resident(const struct stage *s, uint64_t low, uint64_t high)
{
	struct pages_resident r;

	pages_resident(s->pages, &r);
	assert_int_equal(r.low_bytes, low * s->page);
	assert_int_equal(r.high_bytes, high * s->page);
}

void assert_finding(const struct stage *s, enum finding_kind kind, enum finding_rule rule)
{
	assert_int_equal(s->sink.n, 1);
	assert_int_equal(s->sink.v[0].kind, kind);
	assert_int_equal(s->sink.v[0].rule, rule);
}
