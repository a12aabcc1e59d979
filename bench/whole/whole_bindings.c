#include "bench/whole/whole_bindings.h"

#include <stdlib.h>
#include <string.h>

const char *const whole_call_names[WHOLE_CALLS] = {
	[WHOLE_MALLOC] = "malloc",
	[WHOLE_FREE] = "free",
	[WHOLE_CALLOC] = "calloc",
	[WHOLE_REALLOC] = "realloc",
	[WHOLE_ALIGNED_ALLOC] = "aligned_alloc",
	[WHOLE_POSIX_MEMALIGN] = "posix_memalign",
	[WHOLE_MEMALIGN] = "memalign",
	[WHOLE_VALLOC] = "valloc",
	[WHOLE_PVALLOC] = "pvalloc",
	[WHOLE_USABLE] = "malloc_usable_size",
};

struct binding {
	const char *from, *to, *symbol;
};

/* Cuts a line into its words. */
static bool split(char *line, struct binding *ret)
{
	static const char file[] = "binding file ", to[] = " [0] to ", kind[] = " symbol `";
	char *from = strstr(line, file);
	char *target = from ? strstr(from, to) : NULL;
	char *end = target ? strstr(target + strlen(to), " [0]: ") : NULL;
	char *symbol = end ? strstr(end, kind) : NULL;
	char *quote = symbol ? strchr(symbol + strlen(kind), '\'') : NULL;

	if (!quote)
		return false;
	*target = *end = *quote = '\0';
	*ret = (struct binding){from + strlen(file), target + strlen(to), symbol + strlen(kind)};
	return true;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum whole_call call_of(const char *symbol)
{
	unsigned i = 0;

	while (i < WHOLE_CALLS && strcmp(whole_call_names[i], symbol) != 0)
		i++;
	return (enum whole_call)i;
}

/* The same file under two names is one. */
static bool is_file(const char *path, const char *file)
{
	char real[PATH_MAX];

	return strcmp(path, file) == 0 || (realpath(path, real) && strcmp(real, file) == 0);
}

static void blame(struct whole_bindings *b, const char *symbol, const char *by)
{
	if (b->call[0])
		return;
	snprintf(b->call, sizeof(b->call), "%s", symbol);
	snprintf(b->by, sizeof(b->by), "%s", by);
}

static void take(const struct binding *at, const struct whole_bindings_request *q,
		 struct whole_bindings *b)
{
	enum whole_call call = call_of(at->symbol);
	bool from_server = strcmp(base_name(at->from), q->server) == 0;

	b->is_server |= from_server;
	/* What an allocator calls inside itself says nothing. */
	if (call == WHOLE_CALLS || is_file(at->from, q->file))
		return;
	if (is_file(at->to, q->file)) {
		b->served += call == WHOLE_MALLOC || call == WHOLE_CALLOC || call == WHOLE_REALLOC;
		b->by_server |= from_server ? 1u << call : 0;
	} else if (strcmp(base_name(at->to), q->server) == 0) {
		b->through_server |= 1u << call;
	} else if (call == WHOLE_MALLOC || call == WHOLE_FREE || q->calls[call]) {
		blame(b, at->symbol, at->to);
	}
}

/*
 * An executable that is not position-independent has its own address for a function that it knows
 * as a pointer: a jump to where its calls go. If these go to the file, so does the jump.
 */
static void judge_server(const struct whole_bindings_request *q, struct whole_bindings *b)
{
	for (unsigned call = 0; call < WHOLE_CALLS; call++) {
		if (b->through_server & ~b->by_server & 1u << call)
			blame(b, whole_call_names[call], q->server);
	}
}

void whole_bindings_read(FILE *in, const struct whole_bindings_request *q, struct whole_bindings *b)
{
	char *line = NULL;
	size_t size = 0;
	struct binding at;

	while (getline(&line, &size, in) > 0) {
		if (split(line, &at))
			take(&at, q, b);
	}
	free(line);
	judge_server(q, b);
}
