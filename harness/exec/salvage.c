#include "harness/exec/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int salvage_copy(const struct run_shared *shared, size_t bytes, struct run_shared **ret_copy)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	memcpy(p, shared, bytes);
	*ret_copy = p;
	return 0;
}

static bool finding_is_sound(const struct finding *f)
{
	return f->kind < FINDING_KINDS && f->rule > RULE_NONE && f->rule < RULES &&
	       f->op_code <= OP_CODES && f->has_slot <= SPACE_MAP && f->stmt >= -1;
}

static void salvage_sink(struct finding_sink *sink)
{
	uint32_t n = sink->n < FINDING_MAX ? sink->n : FINDING_MAX, kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (finding_is_sound(&sink->v[i]))
			sink->v[kept++] = sink->v[i];
	sink->n = kept;
	if (!finding_is_sound(&sink->cut))
		sink->cut = (struct finding){0};
}

static void salvage_served(struct served *s)
{
	if (s->nobjects > SERVED_OBJECTS)
		s->nobjects = SERVED_OBJECTS;
	if (s->own >= SERVED_OBJECTS)
		s->own = 0;
	for (int i = 0; i < SERVED_OBJECTS; i++) {
		struct served_object *o = &s->object[i];

		o->path[sizeof(o->path) - 1] = '\0';
		if (o->build_id_len > sizeof(o->build_id))
			o->build_id_len = 0;
	}
	for (int i = 0; i < SYMBOL_COUNT; i++)
		if (s->by[i] >= SERVED_OBJECTS || s->by[i] < -1)
			s->by[i] = -1;
	s->version[sizeof(s->version) - 1] = '\0';
}

static void salvage_checkpoints(struct run_shared *s)
{
	if (atomic_load(&s->ncheckpoints) > CHECKPOINT_MAX)
		atomic_store(&s->ncheckpoints, CHECKPOINT_MAX);
	for (int i = 0; i < CHECKPOINT_MAX; i++)
		s->checkpoint[i].name[sizeof(s->checkpoint[i].name) - 1] = '\0';
}

static void salvage_watch(struct run_shared *s)
{
	s->watch.reason[sizeof(s->watch.reason) - 1] = '\0';
	if (s->watch.traps > WATCH_UNSUPPORTED)
		s->watch.traps = WATCH_UNSUPPORTED;
	if (s->growth.line.metric >= GROWTH_METRICS)
		s->growth = (struct run_growth){0};
}

static void salvage_not_run(struct run_shared *s)
{
	uint32_t n = s->nnot_run < NOT_RUN_MAX ? s->nnot_run : NOT_RUN_MAX, kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (s->not_run[i].wanted.fact < FACT_COUNT &&
		    s->not_run[i].wanted.relation <= REL_GE)
			s->not_run[kept++] = s->not_run[i];
	s->nnot_run = kept;
}

/* Of a section that was never closed. */
static void salvage_counts(struct run_shared *s)
{
	for (uint32_t i = 0; s->config.parallel && i < s->config.threads; i++)
		run_counts_add(&s->counts, &run_lane_counts(s)[i]);
}

static bool is_written_over(const struct run_shared *s, const struct run_config *cfg)
{
	return memcmp(&s->config, cfg, sizeof(*cfg)) != 0 || s->findings.without != cfg->without;
}

static void only_written_over(struct finding_sink *sink, const struct run_config *cfg)
{
	const struct finding f = {
		.kind = FINDING_CORRUPTED,
		.rule = RULE_HARNESS_WRITTEN,
		.op_code = OP_CODES,
		.stmt = -1,
	};

	sink->n = sink->dropped = sink->again = 0;
	sink->cut = (struct finding){0};
	sink->without = cfg->without;
	finding_add(sink, &f);
}

static void clear_page(struct run_shared *s, const struct run_config *cfg)
{
	memset(s, 0, sizeof(*s));
	s->config = *cfg;
	s->unmeasured_stmt = -1;
	only_written_over(&s->findings, cfg);
}

/* As many as there are, so that the copy costs no more than that. */
static void copy_sink(const struct finding_sink *from, struct finding_sink *to)
{
	uint32_t n = from->n < FINDING_MAX ? from->n : FINDING_MAX;

	to->dropped = from->dropped;
	to->again = from->again;
	to->without = from->without;
	to->cut = from->cut;
	memcpy(to->v, from->v, n * sizeof(to->v[0]));
	to->n = n;
}

bool salvage_findings(const struct run_shared *s, const struct run_config *cfg,
		      struct finding_sink *ret_findings)
{
	copy_sink(&s->findings, ret_findings);
	if (is_written_over(s, cfg)) {
		only_written_over(ret_findings, cfg);
		return true;
	}
	salvage_sink(ret_findings);
	return false;
}

bool salvage_page(struct run_shared *s, const struct run_config *cfg)
{
	if (is_written_over(s, cfg)) {
		clear_page(s, cfg);
		return true;
	}
	s->harness_text[sizeof(s->harness_text) - 1] = '\0';
	s->refusal_text[sizeof(s->refusal_text) - 1] = '\0';
	for (int i = 0; i < RUN_PROCS; i++)
		if (s->pos[i].op_code > OP_CODES)
			s->pos[i].op_code = OP_CODES;
	for (int i = 0; i < PROG_MAX_THREADS; i++)
		if (s->lane[i].op_code > OP_CODES)
			s->lane[i].op_code = OP_CODES;
	salvage_sink(&s->findings);
	salvage_served(&s->served);
	salvage_checkpoints(s);
	salvage_watch(s);
	salvage_not_run(s);
	salvage_counts(s);
	if (atomic_load(&s->oplog_used) > cfg->oplog_capacity)
		atomic_store(&s->oplog_used, cfg->oplog_capacity);
	if (s->harness_error > PROG_MAX_ERRNO)
		s->harness_error = EIO;
	return false;
}

/* 0 when there is no such process. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	const char *end = strrchr(text, ')');

	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

bool salvage_is_descendant(pid_t pid, pid_t root)
{
	for (int i = 0; i <= RUN_PROCS && pid > 1; i++) {
		if (pid == root)
			return true;
		pid = parent_of(pid);
	}
	return false;
}
