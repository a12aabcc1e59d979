#include <string.h>

#include "bench/child/child.h"

#define WORKLOAD(name) extern const struct workload workload_##name;
#include "bench/workloads/workloads.def"
#undef WORKLOAD

const struct workload *const bench_workloads[] = {
#define WORKLOAD(name) &workload_##name,
#include "bench/workloads/workloads.def"
#undef WORKLOAD
};

const unsigned bench_nworkloads = sizeof(bench_workloads) / sizeof(bench_workloads[0]);

const struct workload *workload_by_name(const char *name)
{
	for (unsigned i = 0; i < bench_nworkloads; i++)
		if (strcmp(bench_workloads[i]->name, name) == 0)
			return bench_workloads[i];
	return NULL;
}
