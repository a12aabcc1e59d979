#include "fuzz/laws_base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct op laws_ops_a[LAWS_OPS], laws_ops_b[LAWS_OPS];
char laws_text[LAWS_OPS * 256];
uint8_t laws_wire[LAWS_OPS * 256];

void law(bool holds, const char *what, const char *about)
{
	if (holds)
		return;
	fprintf(stderr, "broken law: %s\n%s\n", what, about ? about : "");
	abort();
}

int laws_file(const void *bytes, size_t len)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) != 0) {
		perror("memfd");
		exit(2);
	}
	for (size_t at = 0; at < len;) {
		ssize_t n = pwrite(fd, (const char *)bytes + at, len - at, (off_t)at);

		if (n <= 0) {
			perror("memfd");
			exit(2);
		}
		at += (size_t)n;
	}
	return fd;
}

void laws_forget_lines(struct program *p)
{
	for (size_t i = 0; i < p->nops; i++)
		p->ops[i].line = 0;
}

void laws_read(const char *text, size_t len, struct program *p)
{
	static struct prog_reader reader;
	struct prog_error err = {0};

	if (program_read(&reader, laws_file(text, len), p, &err)) {
		fprintf(stderr, "%u:%u: %s\n", err.line, err.column, err.message);
		law(false, "what was printed can be read", text);
	}
	laws_forget_lines(p);
}

bool laws_same(const struct program *a, const struct program *b)
{
	return a->nops == b->nops && memcmp(&a->header, &b->header, sizeof(a->header)) == 0 &&
	       memcmp(a->ops, b->ops, a->nops * sizeof(a->ops[0])) == 0;
}
