#include "bench/machine.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/machine_text.h"
#include "harness/cli/json_out.h"

#define CPUS_MAX 1024

struct machine_setting {
	json_t *members;
	char governors[128]; /* all that differ, separated by spaces; "": none */
};

/* Values of a file that each processor has, each once. */
static void each_processor(const char *file, char *buf, size_t size)
{
	char path[128], text[64];

	buf[0] = '\0';
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/cpufreq/%s", cpu, file);
		if (!machine_text(path, text, sizeof(text)) || strstr(buf, text))
			continue;
		size_t used = strlen(buf);

		snprintf(buf + used, size - used, "%s%s", used ? " " : "", text);
	}
}

static void set_file(json_t *o, const char *key, const char *path)
{
	char text[512];

	json_object_set_new(o, key,
			    machine_text(path, text, sizeof(text)) ? json_text(text) : json_null());
}

static void set_number_file(json_t *o, const char *key, const char *path)
{
	double value;

	json_object_set_new(o, key,
			    machine_number(path, &value) ? json_integer((json_int_t)value)
							 : json_null());
}

/* "on", "off" or null: two drivers say it in opposite words. */
static json_t *turbo_json(void)
{
	double value;

	if (machine_number("/sys/devices/system/cpu/intel_pstate/no_turbo", &value))
		return json_string(value != 0 ? "off" : "on");
	if (machine_number("/sys/devices/system/cpu/cpufreq/boost", &value))
		return json_string(value != 0 ? "on" : "off");
	return json_null();
}

static json_t *limit_json(rlim_t value)
{
	return value == RLIM_INFINITY ? json_null() : json_integer((json_int_t)value);
}

/* Soft ones; null: none. */
static json_t *limits_json(void)
{
	static const struct {
		const char *name;
		int resource;
	} all[] = {{"as", RLIMIT_AS},		{"data", RLIMIT_DATA},	 {"stack", RLIMIT_STACK},
		   {"memlock", RLIMIT_MEMLOCK}, {"nproc", RLIMIT_NPROC}, {"nofile", RLIMIT_NOFILE}};
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct rlimit limit;

		if (getrlimit(all[i].resource, &limit) == 0)
			json_object_set_new(o, all[i].name, limit_json(limit.rlim_cur));
	}
	return o;
}

/* Whether a variable may change what an allocator does. */
static bool concerns_allocators(const char *entry, size_t name_len)
{
	static const char *const part[] = {"MALLOC", "SCUDO", "GLIBC_TUNABLES", "LD_", "HEAP"};
	char name[128];

	snprintf(name, sizeof(name), "%.*s", (int)name_len, entry);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (strstr(name, part[i]))
			return true;
	return false;
}

static json_t *environment_json(void)
{
	json_t *o = json_object();

	for (char **e = environ; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		char name[128];

		if ((*e)[len] != '=' || len >= sizeof(name) || !concerns_allocators(*e, len))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)len, *e);
		json_object_set_new(o, name, json_bytes(*e + len + 1, strlen(*e + len + 1)));
	}
	return o;
}

/* "0-1,4": what this process, and so its children, may run on. */
static json_t *allowed_json(void)
{
	char status[8192], list[256];
	const char *line = machine_text("/proc/self/status", status, sizeof(status))
				   ? strstr(status, "\nCpus_allowed_list:")
				   : NULL;

	if (!line)
		return json_null();
	line = strchr(line, ':') + 1;
	line += strspn(line, " \t");
	snprintf(list, sizeof(list), "%.*s", (int)strcspn(line, "\n"), line);
	return json_text(list);
}

static json_t *is_virtual_json(void)
{
	char text[8192];

	if (!machine_text("/proc/cpuinfo", text, sizeof(text)))
		return json_null();
	return json_boolean(strstr(text, " hypervisor") != NULL);
}

static json_t *meminfo_json(const char *key)
{
	char text[8192];
	const char *line =
		machine_text("/proc/meminfo", text, sizeof(text)) ? strstr(text, key) : NULL;

	return line ? json_integer(strtoll(line + strlen(key), NULL, 10) * 1024) : json_null();
}

static void fill_members(json_t *o, const char *governors)
{
	json_object_set_new(o, "governor", json_text(governors));
	json_object_set_new(o, "turbo", turbo_json());
	set_file(o, "smt", "/sys/devices/system/cpu/smt/control");
	set_file(o, "thp_all", "/sys/kernel/mm/transparent_hugepage/enabled");
	set_file(o, "thp_defrag", "/sys/kernel/mm/transparent_hugepage/defrag");
	set_number_file(o, "aslr", "/proc/sys/kernel/randomize_va_space");
	set_number_file(o, "overcommit", "/proc/sys/vm/overcommit_memory");
	set_file(o, "clocksource",
		 "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	set_file(o, "cpu_quota", "/sys/fs/cgroup/cpu.max");
	set_file(o, "memory_limit", "/sys/fs/cgroup/memory.max");
	json_object_set_new(o, "cpus_allowed", allowed_json());
	json_object_set_new(o, "is_virtual", is_virtual_json());
	json_object_set_new(o, "memory_bytes", meminfo_json("MemTotal:"));
	json_object_set_new(o, "swap_bytes", meminfo_json("SwapTotal:"));
	json_object_set_new(o, "page_bytes", json_integer(sysconf(_SC_PAGESIZE)));
	json_object_set_new(o, "limits", limits_json());
	json_object_set_new(o, "environment", environment_json());
}

struct machine_setting *machine_read(void)
{
	struct machine_setting *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->members = json_object();
	if (!m->members) {
		free(m);
		return NULL;
	}
	each_processor("scaling_governor", m->governors, sizeof(m->governors));
	fill_members(m->members, m->governors);
	return m;
}

void machine_free(struct machine_setting *m)
{
	if (m)
		json_decref(m->members);
	free(m);
}

json_t *machine_json(const struct machine_setting *m)
{
	return json_deep_copy(m->members);
}

const char *machine_governors(const struct machine_setting *m)
{
	return m->governors;
}
