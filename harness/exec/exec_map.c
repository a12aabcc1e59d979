#include "harness/exec/exec_map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
	uint64_t start, end, inode;
	unsigned major, minor;
	bool exec;
	const char *name; /* "" for anonymous memory */
};

/* Neighbouring mappings of one file, with whatever anonymous memory (.bss) lies between. */
struct object {
	uint64_t start, end, inode;
	unsigned major, minor;
	bool exec;
	char *name; /* NULL: none yet */
};

static bool line_parse(char *text, struct line *ret_line)
{
	char perms[5];
	int name = -1;

	text[strcspn(text, "\n")] = 0;
	if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %*x %x:%x %" SCNu64 " %n", &ret_line->start,
		   &ret_line->end, perms, &ret_line->major, &ret_line->minor, &ret_line->inode,
		   &name) < 6 ||
	    name < 0)
		return false;
	ret_line->exec = perms[2] == 'x';
	ret_line->name = text + name;
	return true;
}

static int map_add(struct exec_map *m, uint64_t start, uint64_t end)
{
	size_t capacity = m->capacity ? 2 * m->capacity : 32;
	struct exec_range *range;

	if (m->n == m->capacity) {
		range = reallocarray(m->range, capacity, sizeof(*range));
		if (!range)
			return -ENOMEM;
		m->range = range;
		m->capacity = capacity;
	}
	m->range[m->n++] = (struct exec_range){start, end};
	return 0;
}

static bool object_is_file_of(const struct object *o, const struct line *l)
{
	return o->name && o->inode == l->inode && o->major == l->major && o->minor == l->minor;
}

static int object_begin(struct object *o, const struct line *l)
{
	*o = (struct object){.start = l->start,
			     .end = l->end,
			     .inode = l->inode,
			     .major = l->major,
			     .minor = l->minor,
			     .exec = l->exec,
			     .name = strdup(l->name)};
	return o->name ? 0 : -ENOMEM;
}

static int object_finish(struct object *o, exec_map_object_fn *report, void *arg)
{
	int r = 0;

	if (o->name && o->exec)
		r = report(o->name, o->start, o->end, arg);
	free(o->name);
	o->name = NULL;
	return r;
}

static int object_take(struct object *o, const struct line *l, exec_map_object_fn *report,
		       void *arg)
{
	int r;

	if (l->name[0] != '/' && strcmp(l->name, "[vdso]") != 0)
		return 0;
	if (object_is_file_of(o, l)) {
		o->end = l->end;
		o->exec |= l->exec;
		return 0;
	}
	r = object_finish(o, report, arg);
	return r < 0 ? r : object_begin(o, l);
}

static int map_read_lines(FILE *f, struct exec_map *m, exec_map_object_fn *report, void *arg)
{
	struct object o = {.name = NULL};
	struct line l;
	char *text = NULL;
	size_t size = 0;
	int r = 0;

	while (r >= 0 && getline(&text, &size, f) > 0) {
		if (!line_parse(text, &l))
			continue;
		if (l.exec)
			r = map_add(m, l.start, l.end);
		if (r >= 0)
			r = object_take(&o, &l, report, arg);
	}
	if (r >= 0)
		r = object_finish(&o, report, arg);
	free(o.name);
	free(text);
	return r;
}

int exec_map_read(pid_t tid, struct exec_map *ret_map, exec_map_object_fn *object, void *arg)
{
	struct exec_map m = {.n = 0};
	char path[32];
	FILE *f;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || errno == ESRCH ? -ESRCH : -errno;
	r = map_read_lines(f, &m, object, arg);
	fclose(f);
	if (r < 0) {
		exec_map_release(&m);
		return r;
	}
	*ret_map = m;
	return 0;
}

void exec_map_release(struct exec_map *m)
{
	free(m->range);
	*m = (struct exec_map){.n = 0};
}

bool exec_map_has(const struct exec_map *m, uint64_t address)
{
	size_t low = 0, high = m->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (address < m->range[mid].start)
			high = mid;
		else if (address >= m->range[mid].end)
			low = mid + 1;
		else
			return true;
	}
	return false;
}
