#include "harness/prog/emit/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/prog/emit/say.h"
#include "harness/prog/emit/shadow.h"
#include "harness/prog/emit/slots.h"

bool files_in_child;

/* Files that are kept open are many. */
void files_start(void)
{
	struct rlimit limit;

	if (!keeps_files || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_shm(void)
{
	char name[64];
	int fd = -1;

	for (int i = 0; i < 64 && fd < 0; i++) {
		snprintf(name, sizeof(name), "/allocrig-%d-%d", (int)getpid(), i);
		fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd >= 0)
		shm_unlink(name);
	return fd;
}

static int open_source(enum source source)
{
	const char *dir = getenv("TMPDIR");

	switch (source) {
	case DEV_ZERO:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case A_FILE:
		return open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	case A_MEMFD:
		return memfd_create("allocrig", MFD_CLOEXEC);
	default:
		return open_shm();
	}
}

static void make_object(const struct file_wanted *w, struct file *f)
{
	uint64_t bytes = w->len + w->offset;
	bool fits = bytes >= w->len && bytes <= INT64_MAX;

	if (fits && ftruncate(f->fd, (off_t)bytes) != 0 && bytes < (UINT64_C(1) << 40))
		broken("the source of a mapping could not be made as long as the mapping");
	if (object_is_scarce() && !files_in_child) {
		for (unsigned i = 0; i < map_slots; i++)
			object_keep(m[i].object);
		objects_sweep();
	}
	f->is_object = true;
	f->object = object_new(fits ? bytes : 0);
}

bool file_find(const struct file_wanted *w, struct file *f)
{
	*f = (struct file){.fd = -1};
	if (w->source == FILE_OF) {
		f->fd = m[w->of].file - 1;
		f->object = m[w->of].object;
		f->is_object = true;
		return m[w->of].file;
	}
	if (w->source == NO_SOURCE)
		return true;
	f->fd = open_source(w->source);
	f->is_new = true;
	if (f->fd < 0)
		broken("the source of a mapping could not be opened");
	if (w->source != DEV_ZERO)
		make_object(w, f);
	return true;
}

/* A slot keeps its file, or mapped one last, where other statements come back to it. */
void file_keep(unsigned slot, const struct file *f, bool mapped)
{
	struct slot *s = &m[slot];
	bool keeps = keeps_files && mapped && f->is_object;
	int fd = keeps && !f->is_new ? fcntl(f->fd, F_DUPFD_CLOEXEC, 3) : f->fd;

	if (keeps && fd < 0)
		broken("the file of a mapping could not be kept open");
	if (mapped && s->file)
		close(s->file - 1);
	if (mapped) {
		s->file = keeps ? fd + 1 : 0;
		s->object = f->object;
	}
	if (f->is_new && !keeps)
		close(f->fd);
}
