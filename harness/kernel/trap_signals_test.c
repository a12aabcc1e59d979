#include "harness/kernel/trap_fixture.h"

#include "harness/kernel/trap_signals.h"

/* What may differ between a call that is trapped and one that is not: nothing. */
struct mask_result {
	int64_t result;
	uint64_t set, old, now;
};

enum place { NOWHERE, HERE, UNREADABLE, UNWRITABLE, SAME };

struct mask_case {
	uint64_t how, set, bytes;
	enum place set_at, old_at;
};

static uint64_t address_of(enum place at, uint64_t *here)
{
	switch (at) {
	case HERE:
		return raw_pointer(here);
	case UNREADABLE:
		return raw_pointer(no_access);
	case UNWRITABLE:
		return raw_pointer(read_only);
	default:
		return 0;
	}
}

static struct mask_result mask_call(const struct mask_case *c, bool trapped)
{
	struct mask_result r = {.set = c->set, .old = 0x5555555555555555};
	uint64_t set = address_of(c->set_at, &r.set);
	uint64_t old = c->old_at == SAME ? set : address_of(c->old_at, &r.old);

	set_mask(USR1);
	if (trapped)
		trap_on();
	r.result = RAW_SYSCALL(SYS_rt_sigprocmask, c->how, set, old, c->bytes);
	trap_off();
	r.now = mask_now();
	return r;
}

CHILD_TEST(sigprocmask_does_what_the_kernel_does)
{
	static const uint64_t hows[] = {SIG_BLOCK, SIG_UNBLOCK,	 SIG_SETMASK,
					3,	   (uint64_t)-1, (UINT64_C(1) << 32) | SIG_UNBLOCK};
	static const uint64_t sets[] = {0, USR1, USR2, USR1 | USR2, ~SYS};
	static const uint64_t sizes[] = {MASK_BYTES, 4, 128};
	struct mask_case c;

	signals_setup();
	for (size_t h = 0; h < sizeof(hows) / sizeof(*hows); h++)
		for (size_t s = 0; s < sizeof(sets) / sizeof(*sets); s++)
			for (size_t b = 0; b < sizeof(sizes) / sizeof(*sizes); b++)
				for (int p = NOWHERE * 5; p <= UNWRITABLE * 5 + SAME; p++) {
					c = (struct mask_case){hows[h], sets[s], sizes[b],
							       (enum place)(p / 5),
							       (enum place)(p % 5)};
					struct mask_result plain = mask_call(&c, false);
					struct mask_result ours = mask_call(&c, true);

					CHECK_EQ(ours.result, plain.result);
					CHECK_EQ(ours.old, plain.old);
					CHECK_EQ(ours.set, plain.set);
					CHECK_EQ(ours.now, plain.now);
				}
	CHECK(count_seen(SYS_rt_sigprocmask) > 300);
}

CHILD_TEST(sigsys_is_never_blocked)
{
	static const int hows[] = {SIG_BLOCK, SIG_SETMASK};
	sigset_t all, old;

	signals_setup();
	sigfillset(&all);
	for (size_t i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
		forget_seen();
		set_mask(USR2);
		CHECK_EQ(TRAPPED(sigprocmask(hows[i], &all, &old)), 0);
		CHECK_EQ(sigismember(&old, SIGUSR2), 1);
		CHECK_EQ(sigismember(&old, SIGUSR1), 0);
		CHECK_EQ(mask_now() & (USR1 | USR2 | SYS), USR1 | USR2);
		trap_on();
		call_something(); /* SIGSYS would kill if it were */
		trap_off();
		CHECK_EQ(nseen, 2);
	}
}

CHILD_TEST(a_refused_sigprocmask_changes_nothing)
{
	sigset_t all;

	signals_setup();
	sigfillset(&all);
	refuse_nr = SYS_rt_sigprocmask;
	refuse_err = EPERM;
	CHECK_EQ(TRAPPED(sigprocmask(SIG_BLOCK, &all, NULL)), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(mask_now(), 0);
}

/* rt_sigaction */

static volatile int handled;

static void never(int signo)
{
	(void)signo;
	CHECK(false);
}

struct action_case {
	uint64_t bytes;
	enum place act_at, old_at;
};

struct action_result {
	int64_t result;
	struct kernel_sigaction old, now;
};

static uint64_t action_address(enum place at, struct kernel_sigaction *here)
{
	return at == HERE ? raw_pointer(here) : address_of(at, NULL);
}

static struct action_result action_call(int signo, const struct action_case *c, bool trapped)
{
	static const struct kernel_sigaction start = {.handler = SIG_IGN};
	struct kernel_sigaction act = {.handler = never, .mask = USR1};
	struct action_result r = {.old = {.mask = 77}};
	uint64_t new = action_address(c->act_at, &act);
	uint64_t old = c->old_at == SAME ? new : action_address(c->old_at, &r.old);

	/* How it began, and how it ends, are asked for in the same way. */
	if (trapped)
		trap_on();
	CHECK_EQ(trap_signals_action(signo, &start, NULL), 0);
	r.result = RAW_SYSCALL(SYS_rt_sigaction, (uint64_t)signo, new, old, c->bytes);
	CHECK_EQ(trap_signals_action(signo, NULL, &r.now), 0);
	trap_off();
	if (c->old_at == SAME && c->act_at == HERE)
		r.old = act;
	return r;
}

static void check_same_action(const struct kernel_sigaction *a, const struct kernel_sigaction *b)
{
	CHECK_EQ((uintptr_t)a->handler, (uintptr_t)b->handler);
	CHECK_EQ(a->flags, b->flags);
	CHECK_EQ(a->mask, b->mask);
}

/* Asked through the trap, SIGSYS is like any other signal; its handler stays ours. */
CHILD_TEST(sigaction_of_sigsys_does_as_for_others)
{
	static const uint64_t sizes[] = {MASK_BYTES, 4};
	struct action_case c;

	signals_setup();
	for (size_t b = 0; b < sizeof(sizes) / sizeof(*sizes); b++)
		for (int p = NOWHERE * 5; p <= UNREADABLE * 5 + SAME; p++) {
			c = (struct action_case){sizes[b], (enum place)(p / 5),
						 (enum place)(p % 5)};
			struct action_result plain = action_call(SIGUSR2, &c, false);
			struct action_result other = action_call(SIGUSR2, &c, true);
			struct action_result ours = action_call(SIGSYS, &c, true);

			CHECK_EQ(other.result, plain.result);
			CHECK_EQ(ours.result, plain.result);
			check_same_action(&other.old, &plain.old);
			check_same_action(&ours.old, &plain.old);
			check_same_action(&other.now, &plain.now);
			check_same_action(&ours.now, &plain.now);
		}
	forget_seen();
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 1);
}

static void on_their_sigsys(int signo)
{
	CHECK_EQ(signo, SIGSYS);
	handled++;
}

CHILD_TEST(their_handler_of_sigsys_gets_what_is_sent)
{
	struct sigaction act = {.sa_handler = on_their_sigsys}, old;

	default_sigsys();
	signals_setup();
	CHECK_EQ(TRAPPED(sigaction(SIGSYS, &act, &old)), 0);
	CHECK_EQ(old.sa_handler == SIG_DFL, 1);
	CHECK_EQ(TRAPPED(sigaction(SIGSYS, NULL, &old)), 0);
	CHECK_EQ(old.sa_handler == on_their_sigsys, 1);
	raise(SIGSYS);
	CHECK_EQ(handled, 1);
}

CHILD_TEST(a_refused_sigaction_changes_nothing)
{
	struct sigaction act = {.sa_handler = on_their_sigsys}, old;

	default_sigsys();
	signals_setup();
	refuse_nr = SYS_rt_sigaction;
	refuse_err = EPERM;
	CHECK_EQ(TRAPPED(sigaction(SIGSYS, &act, NULL)), -1);
	CHECK_EQ(errno, EPERM);
	refuse_nr = UINT32_MAX;
	CHECK_EQ(TRAPPED(sigaction(SIGSYS, NULL, &old)), 0);
	CHECK_EQ(old.sa_handler == SIG_DFL, 1);
}

CHILD_TEST(sigaction_takes_sigsys_out_of_masks)
{
	struct kernel_sigaction act = {.handler = never, .mask = ~UINT64_C(0)}, now;

	signals_setup();
	CHECK_EQ(TRAPPED(trap_signals_action(SIGUSR1, &act, NULL)), 0);
	CHECK_EQ(act.mask, ~UINT64_C(0)); /* theirs is not written to */
	CHECK_EQ(trap_signals_action(SIGUSR1, NULL, &now), 0);
	CHECK_EQ(now.mask & (SYS | USR1 | USR2), USR1 | USR2);
	CHECK_EQ(now.handler == never, 1);
	CHECK_EQ(TRAPPED(trap_signals_action(SIGKILL, &act, NULL)), -EINVAL);
	CHECK_EQ(TRAPPED(trap_signals_action(0, &act, NULL)), -EINVAL);
	CHECK_EQ(TRAPPED(trap_signals_action(65, &act, NULL)), -EINVAL);
}

/* sigaltstack */

static bool same_stack(const stack_t *a, const stack_t *b)
{
	return a->ss_sp == b->ss_sp && a->ss_size == b->ss_size && a->ss_flags == b->ss_flags;
}

static stack_t stack_now(void)
{
	stack_t now = {0};

	CHECK_EQ(RAW_SYSCALL(SYS_sigaltstack, 0, raw_pointer(&now)), 0);
	return now;
}

struct stack_result {
	int64_t result;
	stack_t old, now;
};

static struct stack_result stack_call(const stack_t *start, uint64_t ss, uint64_t old, bool trapped)
{
	struct stack_result r = {0};

	CHECK_EQ(sigaltstack(start, NULL), 0);
	if (trapped)
		trap_on();
	r.result = RAW_SYSCALL(SYS_sigaltstack, ss, old == 1 ? raw_pointer(&r.old) : old);
	trap_off();
	r.now = stack_now();
	return r;
}

/* A call's effect is not undone by the return from the handler it was made in. */
CHILD_TEST(sigaltstack_does_what_the_kernel_does)
{
	signals_setup();
	char *area = map_some(64);
	const int autodisarm = (int)(1U << 31);
	const stack_t starts[] = {{.ss_flags = SS_DISABLE},
				  {.ss_sp = area, .ss_size = 16 * PAGE},
				  {.ss_sp = area, .ss_size = 16 * PAGE, .ss_flags = autodisarm}};
	const stack_t asked[] = {
		{.ss_sp = area + 20 * PAGE, .ss_size = 20 * PAGE},
		{.ss_sp = area + 20 * PAGE, .ss_size = 20 * PAGE, .ss_flags = autodisarm},
		{.ss_sp = area + 20 * PAGE, .ss_size = 20 * PAGE, .ss_flags = SS_ONSTACK},
		{.ss_flags = SS_DISABLE},
		{.ss_sp = area, .ss_size = 100},
		{.ss_sp = area, .ss_size = 16 * PAGE, .ss_flags = 77}};
	const uint64_t sets[] = {raw_pointer(&asked[0]),
				 raw_pointer(&asked[1]),
				 raw_pointer(&asked[2]),
				 raw_pointer(&asked[3]),
				 raw_pointer(&asked[4]),
				 raw_pointer(&asked[5]),
				 0,
				 raw_pointer(no_access)};
	const uint64_t olds[] = {0, 1, raw_pointer(read_only)};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		for (size_t s = 0; s < sizeof(sets) / sizeof(*sets); s++)
			for (size_t o = 0; o < sizeof(olds) / sizeof(*olds); o++) {
				struct stack_result plain =
					stack_call(&starts[i], sets[s], olds[o], false);
				struct stack_result ours =
					stack_call(&starts[i], sets[s], olds[o], true);

				CHECK_EQ(ours.result, plain.result);
				CHECK(same_stack(&ours.old, &plain.old));
				CHECK(same_stack(&ours.now, &plain.now));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sigprocmask_does_what_the_kernel_does),
		cmocka_unit_test(sigsys_is_never_blocked),
		cmocka_unit_test(a_refused_sigprocmask_changes_nothing),
		cmocka_unit_test(sigaction_of_sigsys_does_as_for_others),
		cmocka_unit_test(their_handler_of_sigsys_gets_what_is_sent),
		cmocka_unit_test(a_refused_sigaction_changes_nothing),
		cmocka_unit_test(sigaction_takes_sigsys_out_of_masks),
		cmocka_unit_test(sigaltstack_does_what_the_kernel_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
