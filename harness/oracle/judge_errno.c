/* How a call failed, or what it did to errno while it succeeded. */
#include <errno.h>

#include "harness/oracle/model_internal.h"

#define CAUSELESS_MAX (UINT64_C(1) << 30) /* size + alignment up to which NULL needs a cause */

/* Half of the address space or more: some refuse such an alignment as invalid, some for want of
   memory. */
#define ALIGN_HUGE (UINT64_C(1) << 62)

static bool einval_fits(const struct request *r)
{
	return r->class == ALIGN_BAD || r->class == ALIGN_PROFILE || r->no_multiple ||
	       (r->class == ALIGN_VALID && r->align >= ALIGN_HUGE);
}

/*
 * Where two errors apply either may be returned [POSIX.1 XSH 2.3]: no memory may be there for a
 * large size, whatever its alignment.
 */
static bool enomem_fits(const struct request *r)
{
	return r->class != ALIGN_BAD || r->bytes > CAUSELESS_MAX;
}

static bool null_errno_fits(const struct request *r, int err)
{
	if (err == EINVAL)
		return einval_fits(r);
	return err == ENOMEM && enomem_fits(r);
}

static bool is_causeless(const struct judge *j, const struct request *r)
{
	if (r->class == ALIGN_BAD || r->class == ALIGN_PROFILE || r->no_multiple)
		return false;
	return j->e->cause == CAUSE_NONE && r->bytes && r->bytes <= CAUSELESS_MAX &&
	       r->align <= CAUSELESS_MAX - r->bytes;
}

static void judge_cause(const struct judge *j, const struct request *r, int err)
{
	if (is_causeless(j, r))
		report(j, (struct verdict_kind){FINDING_NULL_WITHOUT_CAUSE, RULE_NULL_NO_CAUSE},
		       (const uint64_t[6]){r->bytes, r->align, (uint64_t)err});
}

void judge_null(const struct judge *j, const struct request *r)
{
	int err = j->e->errno_after;

	if (r->bytes == 0)
		return;
	if (!null_errno_fits(r, err) && !outcome_allows(&j->e->op->outcomes, err))
		report(j, (struct verdict_kind){FINDING_WRONG_ERRNO, RULE_ERRNO_ON_FAILURE},
		       (const uint64_t[6]){(uint64_t)err, r->class == ALIGN_BAD ? EINVAL : ENOMEM});
	judge_cause(j, r, err);
}

static bool returned_fits(const struct judge *j, const struct request *r)
{
	switch (j->e->result) {
	case 0:
		return j->e->ret || r->bytes == 0;
	case EINVAL:
		return einval_fits(r);
	case ENOMEM:
		return enomem_fits(r);
	default:
		return false;
	}
}

/* POSIX.1-2008 TC2: the error is returned, errno is not set, *memptr is left alone. */
void judge_posix_memalign(const struct judge *j, const struct request *r)
{
	const struct call_event *e = j->e;
	bool accepted_bad = e->result == 0 && r->class == ALIGN_BAD && !r->absurd &&
			    !outcome_allows(&e->op->outcomes, 0);

	if (e->errno_after != e->errno_before)
		report(j,
		       (struct verdict_kind){FINDING_ERRNO_CLOBBERED,
					     e->result ? RULE_ERRNO_POSIX_MEMALIGN
						       : RULE_ERRNO_POSIX_SUCCESS},
		       (const uint64_t[6]){(uint64_t)e->errno_before, (uint64_t)e->errno_after});
	if (e->result && e->memptr_after != e->memptr_before)
		report(j, (struct verdict_kind){FINDING_UNEXPECTED_RESULT, RULE_MEMPTR_CHANGED},
		       (const uint64_t[6]){(uintptr_t)e->memptr_before,
					   (uintptr_t)e->memptr_after});
	if (accepted_bad && !e->ret)
		report(j,
		       (struct verdict_kind){FINDING_ACCEPTED_BAD_ALIGNMENT,
					     RULE_ALIGNMENT_ACCEPTED},
		       (const uint64_t[6]){0, r->align, r->size});
	else if (!accepted_bad && !returned_fits(j, r) &&
		 !outcome_allows(&e->op->outcomes, e->result))
		report(j, (struct verdict_kind){FINDING_WRONG_ERRNO, RULE_ERRNO_RETURNED},
		       (const uint64_t[6]){(uint64_t)e->result,
					   r->class == ALIGN_BAD ? EINVAL : ENOMEM});
	if (e->result)
		judge_cause(j, r, e->result);
}

/* POSIX.1-2024: free keeps errno, also when what it does inside fails. */
void judge_errno_free(const struct judge *j)
{
	const struct call_event *e = j->e;

	if (e->errno_after != e->errno_before)
		report(j, (struct verdict_kind){FINDING_ERRNO_CLOBBERED, RULE_ERRNO_FREE},
		       (const uint64_t[6]){(uint64_t)e->errno_before, (uint64_t)e->errno_after});
}
