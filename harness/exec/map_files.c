#include "harness/exec/map_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "harness/exec/child.h"
#include "harness/kernel/proc.h"

/* Behind those of the harness, whose numbers must stay recognisable as closed. */
#define KEPT_FD_FROM	 (PROC_FD_FROM + 64)
#define KEPT_FD_AT_LEAST 16 /* where RLIMIT_NOFILE is low */
#define SHM_NAME_TRIES	 64
#define LEAST_UNSIZEABLE (1ull << 40) /* larger files than this need not be possible */

struct map_file {
	int fd;
	uint32_t object;
	uint32_t users; /* slots; 0: the place is free */
	uint32_t next;	/* free place + 1 */
	unsigned proc;	/* which made it: its fork children do not drop the object */
	bool anonymous; /* /dev/zero: no object */
};

struct map_files {
	struct map_file *v; /* as many as slots, and one that a slot is about to change to */
	uint32_t free;	    /* place + 1; 0: none */
	uint32_t fresh, capacity;
};

size_t map_files_arena_bytes(const struct run_config *cfg)
{
	if (!cfg->keeps_files)
		return 0;
	return sizeof(struct map_files) + ((size_t)cfg->map_slots + 1) * sizeof(struct map_file) +
	       64;
}

void map_files_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int map_files_init(struct child *c, struct arena *a)
{
	const struct run_config *cfg = &c->shared->config;

	if (!cfg->keeps_files)
		return 0;
	struct map_files *f = arena_take(a, sizeof(*f), _Alignof(struct map_files));
	uint32_t capacity = cfg->map_slots + 1;

	if (!f)
		return -ENOMEM;
	*f = (struct map_files){.capacity = capacity};
	f->v = arena_take(a, capacity * sizeof(*f->v), _Alignof(struct map_file));
	if (!f->v)
		return -ENOMEM;
	c->files = f;
	return 0;
}

static int temporary_file(void)
{
	const char *dir = getenv("TMPDIR");

	return open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static char *put_number(char *at, uint64_t n)
{
	char digits[24];
	int len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while (n /= 10);
	while (len)
		*at++ = digits[--len];
	return at;
}

static int shm_object(void)
{
	char name[64] = "/allocrig-";
	char *end = put_number(name + 10, (uint64_t)getpid());
	int fd = -1;

	*end++ = '-';
	for (unsigned i = 0; i < SHM_NAME_TRIES; i++) {
		*put_number(end, i) = '\0';
		fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd >= 0)
		shm_unlink(name);
	return fd;
}

static int new_file(enum map_source source)
{
	switch (source) {
	case SOURCE_ZERO:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case SOURCE_FILE:
		return temporary_file();
	case SOURCE_MEMFD:
		return memfd_create("allocrig", MFD_CLOEXEC);
	default:
		return shm_object();
	}
}

/* As long as the mapping reaches; where no file can be as long it stays empty. */
static int set_size(int fd, const struct op *op, uint64_t *ret_bytes)
{
	uint64_t bytes;
	bool fits = !__builtin_add_overflow(op->map.offset, op->arg0, &bytes) && bytes <= INT64_MAX;

	if (fits && ftruncate(fd, (off_t)bytes) == 0) {
		*ret_bytes = bytes;
		return 0;
	}
	*ret_bytes = 0;
	return fits && bytes < LEAST_UNSIZEABLE ? -errno : 0;
}

static int move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, KEPT_FD_FROM);

	if (high < 0 && errno == EINVAL)
		high = fcntl(fd, F_DUPFD_CLOEXEC, KEPT_FD_AT_LEAST);
	int err = high < 0 ? -errno : 0;

	close(fd);
	return err ? err : high;
}

/* Pages of memory file systems have nowhere else to be. */
static bool may_be_reclaimed(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) != 0 || (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC &&
					 fs.f_type != HUGETLBFS_MAGIC);
}

static int open_new(struct child *c, const struct op *op, struct map_source_fd *s)
{
	uint64_t bytes = 0;
	int fd = new_file(op->map.source);

	if (fd < 0)
		return -errno;
	if (c->files)
		fd = move_up(fd);
	s->anonymous = op->map.source == SOURCE_ZERO;
	int err = fd < 0 || s->anonymous ? fd : set_size(fd, op, &bytes);

	if (err < 0) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	s->fd = fd;
	if (s->anonymous)
		return 0;
	s->object = c->pages ? pages_object(c->pages, bytes) : 0;
	if (s->object && may_be_reclaimed(fd))
		pages_object_reclaimable(c->pages, s->object);
	return 0;
}

int map_files_of(const struct child *c, uint32_t slot, struct map_source_fd *ret_source)
{
	uint32_t file = c->files ? c->m[slot].file : 0;

	if (!file)
		return -ENOENT;
	*ret_source = (struct map_source_fd){
		.fd = c->files->v[file - 1].fd,
		.object = c->files->v[file - 1].object,
		.anonymous = c->files->v[file - 1].anonymous,
		.file = file,
	};
	return 0;
}

int map_files_open(struct child *c, const struct op *op, struct map_source_fd *ret_source)
{
	struct map_source_fd s = {.fd = -1};
	int err = 0;

	switch (op->map.source) {
	case SOURCE_NONE:
	case SOURCE_ANON:
		s.anonymous = op->map.flags & MAP_ANONYMOUS;
		break;
	case SOURCE_SLOT:
		err = map_files_of(c, op->map.of, &s);
		break;
	default:
		err = open_new(c, op, &s);
	}
	if (!err)
		*ret_source = s;
	return err;
}

static uint32_t place_take(struct map_files *f)
{
	uint32_t place = f->free;

	if (!place)
		return ++f->fresh;
	f->free = f->v[place - 1].next;
	return place;
}

static void forget(struct child *c, int fd, uint32_t object)
{
	close(fd);
	if (c->pages && object)
		pages_object_drop(c->pages, object);
}

/* What one process has dropped another, which got it by fork(), may still map anew. */
static bool is_own(struct child *c, const struct map_file *v)
{
	return v->proc == c->proc && !(c->lane && atomic_load(&c->main->forks));
}

static void file_drop(struct child *c, uint32_t file)
{
	struct map_files *f = c->files;
	struct map_file *v = file ? &f->v[file - 1] : NULL;

	if (!v || --v->users)
		return;
	forget(c, v->fd, is_own(c, v) ? v->object : 0);
	v->next = f->free;
	f->free = file;
}

static void slot_set(struct child *c, uint32_t slot, uint32_t file)
{
	uint32_t old = c->m[slot].file;

	if (file)
		c->files->v[file - 1].users++;
	c->m[slot].file = file;
	if (c->files)
		file_drop(c, old);
}

void map_files_mapped(struct child *c, const struct map_source_fd *source, uint32_t slot,
		      bool filled)
{
	bool is_new = source->fd >= 0 && !source->file;
	uint32_t file = source->file;

	if (is_new && filled && c->files) {
		file = place_take(c->files);
		c->files->v[file - 1] = (struct map_file){.fd = source->fd,
							  .object = source->object,
							  .proc = c->proc,
							  .anonymous = source->anonymous};
	} else if (is_new) {
		forget(c, source->fd, source->object);
	}
	if (filled)
		slot_set(c, slot, file);
}

void map_files_close(struct child *c)
{
	for (uint32_t i = 0; c->files && i < c->files->fresh; i++)
		if (c->files->v[i].users)
			close(c->files->v[i].fd);
	c->files = NULL;
}

void map_files_share(struct child *c, uint32_t from, uint32_t to)
{
	slot_set(c, to, c->m[from].file);
}
