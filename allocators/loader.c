#include "allocators/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <string.h>

#include "allocators/object.h"
#include "allocators/plain.h"
#include "allocators/registry.h"

static const char *const symbol_names[SYMBOL_COUNT] = {
#define FAMILY(member, symbol) [SYMBOL_##member] = #symbol,
#define VENDOR		       FAMILY
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR
};

/* Refusals are put together by hand: formatting would need stdio. */
static void text_append(char *text, size_t size, const char *more)
{
	size_t used = strnlen(text, size - 1);

	while (*more && used < size - 1)
		text[used++] = *more++;
	text[used] = '\0';
}

static int refuse(struct loader_refusal *r, enum refusal why, const char *const *words)
{
	r->why = why;
	r->err = 0;
	r->text[0] = '\0';
	for (; *words; words++)
		text_append(r->text, sizeof(r->text), *words);
	return why == REFUSAL_PLUGIN ? -EINVAL : -ENOENT;
}

#define REFUSE(r, why, ...) refuse(r, why, (const char *const[]){__VA_ARGS__, NULL})

static int served_object_index(struct served *s, const void *address)
{
	struct served_object found;

	if (!address || !object_at(address, &found))
		return -1;
	for (uint32_t i = 0; i < s->nobjects; i++) {
		if (s->object[i].base == found.base)
			return (int)i;
	}
	if (s->nobjects == SERVED_OBJECTS)
		return -1;
	s->object[s->nobjects] = found;
	return (int)s->nobjects++;
}

/* Who serves what; forgets the addresses that are not the allocator's own. */
static void served_prove(struct served *s, void *address[SYMBOL_COUNT])
{
	for (int i = 0; i < SYMBOL_COUNT; i++)
		s->by[i] = (int8_t)served_object_index(s, address[i]);
	if (s->by[SYMBOL_malloc] < 0)
		return;
	s->own = (uint32_t)s->by[SYMBOL_malloc];
	for (int i = 0; i < SYMBOL_COUNT; i++) {
		if (s->by[i] != (int8_t)s->own)
			address[i] = NULL;
	}
}

/* The file that was meant; "" is the libc that this process runs on. */
static bool served_is_meant(const struct served *s, const char *file)
{
	struct served_object libc;

	if (file[0])
		return object_is_file(&s->object[s->own], file);
	return object_at((const void *)gnu_get_libc_version, &libc) &&
	       libc.base == s->object[s->own].base;
}

static int served_check(const struct run_config *cfg, const struct served *s,
			void *const address[SYMBOL_COUNT], struct loader_refusal *r)
{
	const char *file = cfg->file[0] ? cfg->file : "libc";

	if (s->by[SYMBOL_malloc] < 0)
		return REFUSE(r, REFUSAL_NO_MALLOC, "nothing exports malloc");
	if (!served_is_meant(s, cfg->file))
		return REFUSE(r, REFUSAL_NO_MALLOC, "malloc is served by ", s->object[s->own].path,
			      ", not by ", file);
	if (!address[SYMBOL_free])
		return REFUSE(r, REFUSAL_NO_MALLOC, file, " has malloc but no free of its own");
	return 0;
}

static void vtable_fill(struct loaded *l, void *const address[SYMBOL_COUNT])
{
	l->allocator = (struct allocator){.abi = ALLOCATOR_ABI, .size = sizeof(l->allocator)};
#define FAMILY(member, symbol)                                                                     \
	l->allocator.member = (__typeof__(l->allocator.member))address[SYMBOL_##member];
#define VENDOR(member, symbol)                                                                     \
	l->vendor.member = (__typeof__(l->vendor.member))address[SYMBOL_##member];
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR
	l->allocator.vendor = &l->vendor;
}

static int purge_by_trim(const struct allocator *a)
{
	return a->malloc_trim(0);
}

/* The plug-in named in the config, else the one that recognises the file, else none. */
static int choose_plugin(const struct run_config *cfg, const struct plugin **ret_plugin,
			 const struct vendor_symbols *v, struct loader_refusal *r)
{
	const struct plugin *p = cfg->plugin[0] ? plugin_by_name(cfg->plugin) : NULL;

	if (cfg->plugin[0] && !p)
		return REFUSE(r, REFUSAL_PLUGIN, "no built-in allocator is named ", cfg->plugin);
	if (!p && v)
		p = plugin_by_symbols(v);
	if (p && !plugin_is_sound(p))
		return REFUSE(r, REFUSAL_PLUGIN, "plug-in ", p->name,
			      " was built for another version of allocator.h");
	*ret_plugin = p;
	return 0;
}

static int load_symbols(const struct run_config *cfg, void *address[SYMBOL_COUNT],
			struct served *served, struct loaded *l, struct loader_refusal *r)
{
	int err;

	served_prove(served, address);
	err = served_check(cfg, served, address, r);
	if (err)
		return err;
	vtable_fill(l, address);
	err = choose_plugin(cfg, &l->plugin, &l->vendor, r);
	if (err)
		return err;
	l->allocator.name = l->plugin ? l->plugin->name : "";
	if (l->plugin) {
		l->allocator.purge = l->plugin->purge;
		l->allocator.describe = l->plugin->describe;
	} else if (l->allocator.malloc_trim) {
		l->allocator.purge = purge_by_trim;
	}
	return 0;
}

static int load_dlopen(const struct run_config *cfg, void *address[SYMBOL_COUNT],
		       struct loader_refusal *r)
{
	const char *file = cfg->file[0] ? cfg->file : "libc.so.6";
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

	if (!handle) {
		const char *said = dlerror();

		return REFUSE(r, REFUSAL_DLOPEN, said ? said : "dlopen failed");
	}
	for (int i = 0; i < SYMBOL_COUNT; i++)
		address[i] = dlsym(handle, symbol_names[i]);
	/* Twice: the second call frees the message of the last name that was missing. */
	dlerror();
	dlerror();
	return 0;
}

static int load_inside(const struct run_config *cfg, struct served *served, struct loaded *l,
		       struct loader_refusal *r)
{
	void *address[SYMBOL_COUNT] = {NULL};
	int err = choose_plugin(cfg, &l->plugin, NULL, r);

	if (err)
		return err;
	if (!l->plugin || !l->plugin->inside)
		return REFUSE(r, REFUSAL_PLUGIN, cfg->plugin,
			      " is not an allocator inside allocrig");
	l->allocator = *l->plugin->inside;
	l->vendor = (struct vendor_symbols){0};
	l->allocator.vendor = &l->vendor;
#define FAMILY(member, symbol) address[SYMBOL_##member] = (void *)l->allocator.member;
#define VENDOR(member, symbol)
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR
	served_prove(served, address);
	return 0;
}

static void ask_version(struct loaded *l, struct served *served)
{
	char said[sizeof(served->version)] = "";

	if (l->allocator.describe && l->allocator.describe(&l->allocator, said, sizeof(said)) == 0)
		memcpy(served->version, said, sizeof(said));
}

int loader_load(const struct run_config *cfg, struct served *ret_served, struct loaded *ret_loaded,
		struct loader_refusal *ret_refusal)
{
	void *address[SYMBOL_COUNT];
	int err;

	memset(ret_served, 0, sizeof(*ret_served));
	memset(ret_served->by, -1, sizeof(ret_served->by));
	switch ((enum load_mode)cfg->load) {
	case LOAD_INSIDE:
		err = load_inside(cfg, ret_served, ret_loaded, ret_refusal);
		break;
	case LOAD_DLOPEN:
		err = load_dlopen(cfg, address, ret_refusal);
		if (!err)
			err = load_symbols(cfg, address, ret_served, ret_loaded, ret_refusal);
		break;
	case LOAD_PRELOAD:
		plain_symbols(address);
		err = load_symbols(cfg, address, ret_served, ret_loaded, ret_refusal);
		break;
	default:
		err = REFUSE(ret_refusal, REFUSAL_UNSUPPORTED, "unknown load mode");
	}
	if (!err)
		ask_version(ret_loaded, ret_served);
	return err;
}
