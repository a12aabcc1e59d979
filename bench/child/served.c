#include "bench/child/served.h"

#include <string.h>

#include "allocators/loader.h"
#include "allocators/object.h"
#include "allocators/plain.h"
#include "bench/child/words.h"

static struct run_config config;
static struct served served;
static struct loaded loaded;
static struct loader_refusal refusal;

_Static_assert(sizeof(config.file) == sizeof(((struct bench_request_in *)0)->file), "as long");

/* That another file serves this one of them, and which: never at once, the other's blocks. */
static _Noreturn void end_mixed(struct bench *b, const char *name, int by)
{
	char text[BENCH_TEXT_MAX];
	struct words w;

	words_init(&w, text, sizeof(text));
	words_add(&w, name);
	words_add(&w, by < 0 ? " is served by no file" : " is served by ");
	words_add(&w, by < 0 ? "" : served.object[by].path);
	words_add(&w, ", malloc by ");
	words_add(&w, served.object[served.own].path);
	bench_end(b, BENCH_END_WRONG_ALLOCATOR, text);
}

void served_prove(struct bench *b)
{
	const struct allocator *a = &loaded.allocator;
	struct bench_page *p = b->page;

	config.load = LOAD_PRELOAD;
	memcpy(config.file, p->in.file, sizeof(config.file));
	config.file[sizeof(config.file) - 1] = '\0';
	int err = loader_load(&config, &served, &loaded, &refusal);

	if (served.nobjects)
		memccpy(p->served, served.object[served.own].path, '\0', sizeof(p->served) - 1);
	if (err)
		bench_end(b,
			  refusal.why == REFUSAL_NO_MALLOC ? BENCH_END_WRONG_ALLOCATOR
							   : BENCH_END_BROKEN,
			  refusal.text);
	if (!a->calloc)
		end_mixed(b, "calloc", served.by[SYMBOL_calloc]);
	if (!a->realloc)
		end_mixed(b, "realloc", served.by[SYMBOL_realloc]);
	if (p->in.after == BENCH_AFTER_PURGE && !a->purge)
		bench_end(b, BENCH_END_UNSUPPORTED, "this allocator has no purge of its own");
}

void served_accept(struct bench_page *page)
{
	void *address[SYMBOL_COUNT];
	struct served_object object;

	plain_symbols(address);
	if (object_at(address[SYMBOL_malloc], &object))
		memccpy(page->in.file, object.path, '\0', sizeof(page->in.file) - 1);
}

void served_purge(void)
{
	loaded.allocator.purge(&loaded.allocator);
}
