#include "allocators/registry.h"

#include <string.h>

#define PLUGIN(name) extern const struct plugin plugin_##name;
#include "allocators/list.def"
#undef PLUGIN

static const struct plugin *const plugins[] = {
#define PLUGIN(name) &plugin_##name,
#include "allocators/list.def"
#undef PLUGIN
};

size_t plugin_count(void)
{
	return sizeof(plugins) / sizeof(plugins[0]);
}

const struct plugin *plugin_at(size_t index)
{
	return index < plugin_count() ? plugins[index] : NULL;
}

const struct plugin *plugin_by_name(const char *name)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		if (strcmp(plugins[i]->name, name) == 0)
			return plugins[i];
	}
	return NULL;
}

const struct plugin *plugin_by_symbols(const struct vendor_symbols *v)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		if (plugins[i]->recognises && plugins[i]->recognises(v))
			return plugins[i];
	}
	return NULL;
}

_Bool plugin_is_sound(const struct plugin *p)
{
	if (p->abi != ALLOCATOR_ABI || p->size != sizeof(struct plugin))
		return 0;
	return !p->inside ||
	       (p->inside->abi == ALLOCATOR_ABI && p->inside->size == sizeof(struct allocator));
}

_Bool plugin_is_kernel(const struct plugin *p)
{
	return p && p->inside && !p->inside->malloc;
}
