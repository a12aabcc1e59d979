/*
 * describe_kernel_machine.c - the settings that mappings depend on.
 */
#include <stdio.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "allocators/running_kernel.h"
#include "harness/cli/describe_kernel.h"
#include "harness/cli/host.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/facts.h"

static int64_t number_in(const char *path)
{
	long long n = -1;
	FILE *f = fopen(path, "re");

	if (f && fscanf(f, "%lld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static int64_t asked(int (*fact)(int64_t *))
{
	int64_t value = -1;

	return fact(&value) == 0 ? value : -1;
}

static int64_t meminfo(const char *line)
{
	int64_t value = -1;

	return fact_meminfo(line, &value) == 0 ? value : -1;
}

static void read_names(struct kernel_machine *m)
{
	struct utsname u;
	struct host h;

	host_read(&h);
	running_kernel_release(m->release, sizeof(m->release));
	running_kernel_build_id(m->build_id, sizeof(m->build_id));
	if (uname(&u) == 0)
		snprintf(m->arch, sizeof(m->arch), "%s", u.machine);
	snprintf(m->cpu, sizeof(m->cpu), "%s", h.cpu);
	m->cpus = h.cpus;
}

void kernel_machine_read(struct kernel_machine *ret_machine)
{
	int64_t limit = accounts_max_map_count();

	*ret_machine = (struct kernel_machine){
		.page_bytes = sysconf(_SC_PAGESIZE),
		.max_map_count = limit < 0 ? -1 : limit,
		.overcommit = asked(fact_overcommit),
		.commit_limit_bytes = meminfo("CommitLimit"),
		.committed_bytes = meminfo("Committed_AS"),
		.thp = asked(fact_thp),
		.thp_bytes = number_in("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"),
		.ram_bytes = meminfo("MemTotal"),
		.swap_bytes = meminfo("SwapTotal"),
		.memlock_bytes = asked(fact_memlock),
		.hugepages_free = meminfo("HugePages_Free"),
		.hugepage_bytes = meminfo("Hugepagesize"),
		.aslr = number_in("/proc/sys/kernel/randomize_va_space"),
		.aslr_off_here = (personality(0xffffffff) & ADDR_NO_RANDOMIZE) != 0,
		.root = geteuid() == 0,
	};
	read_names(ret_machine);
}
