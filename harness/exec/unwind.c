#include "harness/exec/unwind.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/exec/describe.h"
#include "harness/exec/exec_map.h"

struct unwind {
	Dwfl *dwfl;
	struct exec_map map;
	pid_t tid;
	const struct tracee *tracee;
	struct tracee_regs start; /* where the next walk begins */
	struct unwind_frames *frames;
	uint64_t context; /* of the signal frame that was walked last */
	bool in_signal;	  /* the last frame was a signal frame */
};

/* Names there nobody counts on, and unpacking it takes a hundred times as long as all the rest. */
static bool is_libc(const char *file)
{
	const char *base = file ? strrchr(file, '/') : NULL;

	return base && strncmp(base, "/libc.so", 8) == 0;
}

/* dwfl_standard_find_debuginfo would ask the servers of DEBUGINFOD_URLS; this one does not. */
static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **ret_name)
{
	if (is_libc(file))
		return -1;
	return dwfl_build_id_find_debuginfo(mod, userdata, name, base, file, link, crc, ret_name);
}

static const Dwfl_Callbacks dwfl_callbacks = {
	.find_elf = dwfl_linux_proc_find_elf,
	.find_debuginfo = find_debuginfo,
};

static int report_object(const char *name, uint64_t start, uint64_t end, void *arg)
{
	struct unwind *u = arg;
	char vdso[32];

	if (!strcmp(name, "[vdso]")) {
		/* the name by which dwfl_linux_proc_find_elf knows to read it from memory */
		snprintf(vdso, sizeof(vdso), "[vdso: %d]", (int)u->tid);
		name = vdso;
	}
	return dwfl_report_module(u->dwfl, name, start, end) ? 0 : -ENOMEM;
}

int unwind_new(pid_t tid, struct unwind **ret_unwind)
{
	struct unwind *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	u->tid = tid;
	u->dwfl = dwfl_begin(&dwfl_callbacks);
	if (!u->dwfl) {
		unwind_free(u);
		return -ENOMEM;
	}
	dwfl_report_begin(u->dwfl);
	r = exec_map_read(tid, &u->map, report_object, u);
	if (dwfl_report_end(u->dwfl, NULL, NULL) && !r)
		r = -ENODATA;
	if (r < 0) {
		unwind_free(u);
		return r;
	}
	*ret_unwind = u;
	return 0;
}

void unwind_free(struct unwind *u)
{
	if (!u)
		return;
	if (u->dwfl)
		dwfl_end(u->dwfl);
	exec_map_release(&u->map);
	free(u);
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **state)
{
	struct unwind *u = arg;

	(void)dwfl;
	if (*state)
		return 0;
	*state = u;
	return u->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **state)
{
	(void)dwfl;
	(void)tid;
	*state = arg;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_word, void *arg)
{
	struct unwind *u = arg;

	(void)dwfl;
	return tracee_peek(u->tracee, address, ret_word);
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	struct unwind *u = arg;

	return dwfl_thread_state_registers(thread, 0, TRACEE_REGS, u->start.r);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

static void push(struct unwind *u, uint64_t address, bool exact)
{
	if (u->frames->n < UNWIND_FRAMES)
		u->frames->frame[u->frames->n++] = (struct unwind_frame){address, exact};
}

/* "mov $__NR_rt_sigreturn, %rax; syscall": the code that the kernel's signal frame returns to. */
static bool is_sigreturn(const struct tracee *t, uint64_t pc)
{
	static const unsigned char code[16] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	uint64_t word[2];

	return tracee_peek(t, pc, &word[0]) && tracee_peek(t, pc + 8, &word[1]) &&
	       !memcmp(word, code, 9);
}

static int walk_frame(Dwfl_Frame *frame, void *arg)
{
	struct unwind *u = arg;
	Dwarf_Addr pc;
	bool exact, trampoline;

	if (u->frames->n == UNWIND_FRAMES || !dwfl_frame_pc(frame, &pc, &exact))
		return DWARF_CB_ABORT;
	/* libdwfl would go on by the frame pointer, which code without one uses for other things */
	if (u->in_signal && !exec_map_has(&u->map, pc))
		return DWARF_CB_ABORT;
	trampoline = is_sigreturn(u->tracee, pc);
	/* nobody called from a trampoline: the kernel made it the return address */
	push(u, exact || trampoline ? pc : pc - 1, exact);
	u->in_signal = trampoline && !dwfl_frame_reg(frame, TRACEE_RSP, &u->context);
	return DWARF_CB_OK;
}

/* Length of "call *r/m" from its ModRM and SIB bytes; 0: is another instruction. */
static size_t call_indirect_len(unsigned char modrm, unsigned char sib)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;
	size_t len = 2;

	if (((modrm >> 3) & 7) != 2)
		return 0;
	if (mod == 3)
		return len;
	if (rm == 4)
		len++;
	if (mod == 1)
		return len + 1;
	if (mod == 2 || rm == 5 || (rm == 4 && (sib & 7) == 5))
		return len + 4;
	return len;
}

static bool is_return_address(struct unwind *u, uint64_t address)
{
	unsigned char b[8]; /* what stands before the address */
	uint64_t word;
	size_t len;

	if (!exec_map_has(&u->map, address - 1) || !tracee_peek(u->tracee, address - 8, &word))
		return false;
	memcpy(b, &word, sizeof(b));
	if (b[3] == 0xe8)
		return true;
	for (len = 2; len <= 7; len++)
		if (b[8 - len] == 0xff &&
		    call_indirect_len(b[9 - len], len > 2 ? b[10 - len] : 0) == len)
			return true;
	return false;
}

/*
 * After a walk that ended in a signal frame: the code that it interrupted could not be walked.
 * Notes where it was and, for a call into nowhere, sets up the next walk at the caller.
 */
static bool resume_at_caller(struct unwind *u)
{
	uint64_t sp, caller;

	if (!u->in_signal || !tracee_peek_context(u->tracee, u->context, &u->start))
		return false;
	push(u, u->start.r[TRACEE_RIP], true);
	sp = u->start.r[TRACEE_RSP];
	if (!tracee_peek(u->tracee, sp, &caller) || !is_return_address(u, caller))
		return false;
	u->start.r[TRACEE_RSP] = sp + sizeof(caller);
	u->start.r[TRACEE_RIP] = caller - 1;
	u->in_signal = false;
	return true;
}

int unwind_run(struct unwind *u, const struct tracee *t, struct unwind_frames *ret_frames)
{
	size_t before;
	int r;

	u->tracee = t;
	u->frames = ret_frames;
	ret_frames->n = 0;
	r = tracee_get_regs(t, &u->start);
	if (r < 0)
		return r;
	if (!dwfl_attach_state(u->dwfl, NULL, u->tid, &thread_callbacks, u))
		return -ENODATA;
	do {
		before = ret_frames->n;
		u->in_signal = false;
		dwfl_getthread_frames(u->dwfl, u->tid, walk_frame, u);
		if (before && ret_frames->n > before)
			ret_frames->frame[before].exact = false;
	} while (ret_frames->n < UNWIND_FRAMES && resume_at_caller(u));
	return ret_frames->n ? 0 : -ENODATA;
}

void unwind_describe(struct unwind *u, uint64_t address, struct stack_frame *ret_frame)
{
	describe_address(u->dwfl, address, ret_frame);
}
