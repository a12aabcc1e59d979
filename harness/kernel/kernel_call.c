#include "harness/kernel/kernel_call.h"

#include <errno.h>
#include <sys/syscall.h>

#include "harness/kernel/raw_syscall.h"

static uint64_t current_break(void)
{
	return (uint64_t)RAW_SYSCALL(SYS_brk, 0);
}

/* brk has no error of its own: it answers with the break as it then is. brk(0) asks for that. */
static int brk_error(const struct kernel_call *call)
{
	return call->arg[0] && (uint64_t)call->result != call->arg[0] ? ENOMEM : 0;
}

static void brk_make(struct kernel_call *call)
{
	call->break_before = current_break();
	call->result = call->arg[0] ? raw_syscall(SYS_brk, call->arg) : (int64_t)call->break_before;
	call->err = brk_error(call);
}

void kernel_call_make(struct kernel_call *call)
{
	call->injected = false;
	if (call->nr == SYS_brk) {
		brk_make(call);
		return;
	}
	call->result = raw_syscall(call->nr, call->arg);
	call->err = kernel_errno(call->result);
}

void kernel_call_refuse(struct kernel_call *call, int err)
{
	call->injected = true;
	if (call->nr == SYS_brk) {
		call->break_before = current_break();
		call->result = (int64_t)call->break_before;
		call->err = brk_error(call);
		return;
	}
	call->result = -err;
	call->err = err;
}
