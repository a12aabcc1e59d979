#include "harness/oracle/lost_testing.h"

/* The same rules on bits: page i is bit i. */
#define SMALL 48

struct plain_record {
	uint64_t left, reach; /* reach: all between the first and the last page that it had */
	int32_t stmt;
	bool purge;
	uint64_t calls, injected, serial;
};

struct plain {
	struct plain_record v[100000];
	unsigned n;
};

static void plain_refused(struct plain *p, uint64_t mask, const struct plain_record *like)
{
	struct plain_record new = *like, *stays = NULL;
	uint64_t taken = 0;

	new.serial = p->n;
	for (unsigned i = 0; i < p->n; i++) {
		struct plain_record *r = &p->v[i];

		if (r->purge && !new.purge)
			r->left &= ~mask;
		if (r->purge != new.purge || !(r->left & mask)) {
			taken |= r->left;
			continue;
		}
		if (r->stmt == new.stmt && !(r->reach & ~mask)) {
			new.calls += r->calls;
			new.injected += r->injected;
			new.serial = r->serial < new.serial ? r->serial : new.serial;
			r->left = 0;
			continue;
		}
		taken |= r->left;
		/* The one with the lowest address there is the one that counts. */
		if (!stays || __builtin_ctzll(r->left & mask) < __builtin_ctzll(stays->left & mask))
			stays = r;
	}
	new.left = mask & ~taken;
	if (new.left) {
		new.reach = UINT64_MAX << __builtin_ctzll(new.left) &
			    UINT64_MAX >> __builtin_clzll(new.left);
		p->v[p->n++] = new;
	} else if (stays) {
		stays->calls++;
		stays->injected += like->injected;
	}
}

static void plain_cut(struct plain *p, uint64_t mask, bool purges_only)
{
	for (unsigned i = 0; i < p->n; i++)
		if (!purges_only || p->v[i].purge)
			p->v[i].left &= ~mask;
}

static void plain_handed_out(struct plain *p, uint64_t mask)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->v[i].left & mask)
			p->v[i].left = 0;
}

static void plain_compact(struct plain *p)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < p->n; i++)
		if (p->v[i].left)
			p->v[kept++] = p->v[i];
	p->n = kept;
	for (unsigned i = 0; i < kept; i++)
		p->v[i].serial = i;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void step(struct fixture *f, struct plain *p, uint64_t *seed)
{
	unsigned from = next_random(seed) % SMALL, n = 1 + next_random(seed) % (SMALL - from);
	uint64_t mask = ((UINT64_C(1) << n) - 1) << from;
	bool purges = next_random(seed) % 3 == 0, injected = next_random(seed) % 2;

	n = n > 12 && next_random(seed) % 4 ? 1 + n % 12 : n;
	mask = ((UINT64_C(1) << n) - 1) << from;
	f->stmt = (int32_t)(next_random(seed) % 3);
	switch (next_random(seed) % 8) {
	case 0:
		lost_handed_out(f->l, BASE + from * PAGE + 16, n * PAGE - 32);
		plain_handed_out(p, mask);
		return;
	case 1:
	case 2:
		(purges ? purge : unmap)(f, pages(from, n), 0);
		plain_cut(p, mask, purges);
		return;
	}
	struct kernel_call c = {
		.nr = purges ? SYS_madvise : SYS_munmap, .err = ENOMEM, .injected = injected};
	struct effect e = {.back = pages(from, n), .purge = purges};

	call(f, &c, &e);
	plain_refused(p, mask,
		      &(struct plain_record){
			      .stmt = f->stmt, .purge = purges, .calls = 1, .injected = injected});
}

/* What lies where, and what a finding of each op and call would say. */
static void assert_agree(struct fixture *f, const struct plain *p)
{
	uint64_t left[2] = {0}, want[2] = {0}, calls[6] = {0}, injected[6] = {0}, sums = 0;
	struct lost_range r;

	for (unsigned i = 0; i < p->n; i++) {
		const struct plain_record *x = &p->v[i];

		want[x->purge] |= x->left;
		if (x->left) {
			calls[x->stmt * 2 + x->purge] += x->calls;
			injected[x->stmt * 2 + x->purge] += x->injected;
		}
	}
	for (uintptr_t at = 0; lost_next(f->l, at, &r); at = r.end) {
		for (uintptr_t page = r.start; page < r.end; page += PAGE)
			left[r.purge] |= UINT64_C(1) << (page - BASE) / PAGE;
		struct lost_piece piece = {.record = r.record, .bytes = r.end - r.start};

		lost_measured(f->l, &piece);
	}
	assert_memory_equal(left, want, sizeof(left));
	memset(&f->sink, 0, sizeof(f->sink));
	lost_judge(f->l, &f->sink);
	for (unsigned i = 0; i < f->sink.n; i++) {
		const struct finding *x = &f->sink.v[i];
		unsigned sum = (unsigned)x->stmt * 2 + (x->rule == RULE_LOST_PAGES);

		assert_int_equal(x->count, calls[sum]);
		assert_int_equal(x->n[0] >> 32, injected[sum]);
		calls[sum] = 0;
	}
	for (unsigned i = 0; i < 6; i++)
		sums += calls[i];
	assert_int_equal(sums, 0);
}

static void it_agrees_with_bits(void **state)
{
	static struct plain p;
	struct fixture *f = *state;
	uint64_t seed = 88172645463325252u;

	for (unsigned i = 0; i < 50000; i++) {
		step(f, &p, &seed);
		assert_agree(f, &p);
		plain_compact(&p);
	}
	assert_int_equal(lost_forgotten(f->l), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_agrees_with_bits, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
