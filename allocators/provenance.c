#include "allocators/provenance.h"

#include <errno.h>
#include <sha256.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocators/elf_file.h"
#include "allocators/package.h"
#include "allocators/registry.h"
#include "allocators/running_kernel.h"

/* Where a failed resolution puts its one line. */
struct complaint {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct complaint *c, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->text, c->size, format, args);
	va_end(args);
	/* A file name may hold a newline; the complaint is one line. */
	for (char *p = c->text; *p; p++) {
		if ((unsigned char)*p < ' ')
			*p = '?';
	}
	return err;
}

static int fail_verdict(const struct complaint *c, const char *path, enum elf_verdict verdict)
{
	static const char *const words[] = {
		[ELF_NOT_ELF] = "is not an ELF file",
		[ELF_WRONG_MACHINE] = "is built for another machine",
		[ELF_NOT_SHARED] = "is ELF but not a shared object",
		[ELF_NO_MALLOC] = "exports no malloc: not an allocator",
		[ELF_NO_FREE] = "exports malloc but no free: not a whole allocator",
		[ELF_DAMAGED] = "is a damaged ELF file",
	};

	return fail(c, -ENOEXEC, "%s %s", path, words[verdict]);
}

static int check_kind(const struct complaint *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(c, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fail(c, -EISDIR, "%s is a directory, not a shared object", path);
	if (!S_ISREG(st.st_mode))
		return fail(c, -EINVAL, "%s is not a regular file", path);
	/* Also loading expands $ORIGIN, $LIB and the like, in any load mode. */
	if (strchr(path, '$'))
		return fail(c, -EINVAL,
			    "%s: the dynamic linker expands '$' in paths; copy the file elsewhere",
			    path);
	return 0;
}

static void ref_fill_package(struct allocator_ref *ref, const char *hint)
{
	struct package package;

	package_of(ref->path, hint, &package);
	if (!package.name[0])
		return;
	snprintf(ref->package, sizeof(ref->package), "%s %s", package.name, package.version);
	package_upstream_version(&package, ref->version, sizeof(ref->version));
}

/* Everything that is known of a file that exists. */
static int ref_fill_file(struct allocator_ref *ref, const char *file, const struct complaint *c)
{
	struct elf_facts facts;
	int err;

	if (!realpath(file, ref->path))
		return fail(c, -errno, "%s: %s", file, strerror(errno));
	err = check_kind(c, ref->path);
	if (err)
		return err;
	err = elf_file_inspect(ref->path, &facts);
	if (err)
		return fail(c, err, "%s: %s", file, strerror(-err));
	if (facts.verdict != ELF_USABLE)
		return fail_verdict(c, file, facts.verdict);
	if (!SHA256File(ref->path, ref->sha256))
		return fail(c, -EIO, "%s: cannot be read: %s", file, strerror(errno));
	memcpy(ref->build_id, facts.build_id, sizeof(ref->build_id));
	ref_fill_package(ref, ref->plugin ? ref->plugin->package : NULL);
	if (!ref->version[0] && ref->plugin && ref->plugin->version)
		snprintf(ref->version, sizeof(ref->version), "%s", ref->plugin->version);
	ref->available = true;
	return 0;
}

/* The first candidate that exists, into `file`. */
static bool find_candidate(const struct plugin *p, const char *own_dir, char file[PATH_MAX])
{
	for (size_t i = 0; p->files[i]; i++) {
		const char *name = p->files[i];
		int len = name[0] == '/' ? snprintf(file, PATH_MAX, "%s", name)
					 : snprintf(file, PATH_MAX, "%s/%s", own_dir, name);

		if (len < PATH_MAX && access(file, F_OK) == 0)
			return true;
	}
	return false;
}

/* No file, but a version and a build all the same. */
static void ref_fill_kernel(struct allocator_ref *ref)
{
	running_kernel_release(ref->version, sizeof(ref->version));
	running_kernel_build_id(ref->build_id, sizeof(ref->build_id));
	ref->available = true;
}

static void resolve_builtin(struct allocator_ref *ref, const char *own_dir)
{
	const struct complaint c = {ref->reason, sizeof(ref->reason)};
	const struct plugin *p = ref->plugin;
	char file[PATH_MAX];

	snprintf(ref->name, sizeof(ref->name), "%s", p->name);
	if (plugin_is_kernel(p)) {
		ref_fill_kernel(ref);
	} else if (p->inside) {
		ref->available = true;
	} else if (find_candidate(p, own_dir, file)) {
		ref_fill_file(ref, file, &c);
	} else if (p->package) {
		fail(&c, 0, "not installed: apt-get install %s", p->package);
	} else {
		fail(&c, 0, "not built: %s/%s is missing", own_dir, p->files[0]);
	}
}

static void ref_name_by_file(struct allocator_ref *ref)
{
	const char *slash = strrchr(ref->given, '/');
	const char *base = slash ? slash + 1 : ref->given;
	const char *end = strstr(base, ".so");
	size_t len = end && end != base ? (size_t)(end - base) : strlen(base);

	if (len >= sizeof(ref->name))
		len = sizeof(ref->name) - 1;
	memcpy(ref->name, base, len);
	ref->name[len] = '\0';
}

static int fail_unknown(const struct complaint *c, const char *arg)
{
	char known[256] = "";

	for (size_t i = 0; i < plugin_count(); i++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
			 plugin_at(i)->name);
	}
	return fail(c, -ENOENT, "unknown allocator '%s': give one of %s, or the path of a .so", arg,
		    known);
}

int allocator_resolve(const char *arg, const char *own_dir, struct allocator_ref *ret_ref,
		      char *err, size_t err_size)
{
	const struct complaint c = {err, err_size};
	struct allocator_ref ref = {.plugin = plugin_by_name(arg)};
	int ret;

	if (strlen(arg) >= sizeof(ref.given))
		return fail(&c, -ENAMETOOLONG, "the path of the allocator is too long: %.40s...",
			    arg);
	memcpy(ref.given, arg, strlen(arg) + 1);
	if (ref.plugin) {
		resolve_builtin(&ref, own_dir);
	} else if (!strchr(arg, '/') && access(arg, F_OK) != 0) {
		return fail_unknown(&c, arg);
	} else {
		ref_name_by_file(&ref);
		ret = ref_fill_file(&ref, arg, &c);
		if (ret)
			return ret;
	}
	*ret_ref = ref;
	return 0;
}

int allocator_check_preload(const struct allocator_ref *ref, char *err, size_t err_size)
{
	const struct complaint c = {err, err_size};

	if (!strpbrk(ref->path, " :"))
		return 0;
	return fail(&c, -EINVAL,
		    "%s: LD_PRELOAD cannot carry a path with a space or a colon; use --load=dlopen",
		    ref->path);
}
