#include "bench/whole/whole_proof.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/whole/whole_bindings.h"

#define REFERENCES    64
#define PROOFS	      256
#define PROOF_PERCENT 5
#define CALLS_LEAST   1000 /* libc's own calls, and the C++ library's, are some hundred */

static struct whole_reference references[REFERENCES];
static unsigned nreferences;

static struct whole_proven {
	const struct whole_program *program;
	char path[PATH_MAX], sha256[65];
	enum bench_status status;
	char why[512];
} proofs[PROOFS];
static unsigned nproofs;

void whole_output_sha256(const struct whole_folder *f, const struct whole_program *p, char ret[65])
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", f->dir, p->output);
	if (!SHA256File(path, ret))
		ret[0] = '\0';
}

/* Calls `read` for each file in the folder whose name begins so. */
static void each_file(const struct whole_folder *f, const char *begins,
		      void (*read)(void *ctx, FILE *in), void *ctx)
{
	DIR *dir = opendir(f->dir);
	const struct dirent *e;
	char path[2 * PATH_MAX];

	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, begins, strlen(begins)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
		FILE *in = fopen(path, "re");

		if (in) {
			read(ctx, in);
			fclose(in);
		}
	}
	if (dir)
		closedir(dir);
}

static void read_counts(void *ctx, FILE *in)
{
	struct whole_reference *r = ctx;
	struct whole_counts c;

	if (fread(&c, sizeof(c), 1, in) != 1 ||
	    strncmp(c.program, r->program->server, sizeof(c.program)) != 0)
		return;
	for (unsigned i = 0; i < WHOLE_CALLS; i++)
		r->calls[i] += c.calls[i];
}

static void judge_counts(struct whole_reference *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WHOLE_CALLS; i++)
		sum += i == WHOLE_FREE || i == WHOLE_USABLE ? 0 : r->calls[i];
	if (sum >= CALLS_LEAST)
		return;
	r->status = STATUS_WRONG_ALLOCATOR;
	snprintf(r->why, sizeof(r->why),
		 "%s takes %llu blocks from where a preloaded file would serve it: it has an "
		 "allocator of its own inside, or is static",
		 r->program->server, (unsigned long long)sum);
}

static enum bench_status find_libc(const struct bench_tools *t, char ret_preload[], size_t size,
				   char why[512])
{
	struct allocator_ref *libc = malloc(sizeof(*libc));
	char err[256] = "out of memory";
	int bad = libc ? allocator_resolve("glibc", t->own_dir, libc, err, sizeof(err)) : -ENOMEM;

	if (!bad && !libc->available)
		snprintf(err, sizeof(err), "%.255s", libc->reason);
	if (!bad && libc->available)
		snprintf(ret_preload, size, "%s/" WHOLE_COUNT_FILE ":%s", t->own_dir, libc->path);
	else
		snprintf(why, 512, "glibc: %s", err);
	enum bench_status status = !bad && libc->available ? STATUS_OK : STATUS_BROKEN;

	free(libc);
	return status;
}

static void take_reference(const struct whole_folder *f, const json_t *result, uint64_t limit_ns,
			   struct whole_reference *r)
{
	char why[512];

	r->status = whole_judge_end(f, result, limit_ns, why);
	if (r->status != STATUS_OK) {
		/* No allocator is to blame for this. */
		r->status = STATUS_BROKEN;
		snprintf(r->why, sizeof(r->why), "on plain glibc: %.480s", why);
		return;
	}
	whole_output_sha256(f, r->program, r->sha256);
	each_file(f, WHOLE_COUNT_NAME, read_counts, r);
	judge_counts(r);
}

static void make_reference(const struct bench_tools *t, struct whole_reference *r)
{
	char preload[3 * PATH_MAX];
	struct whole_request q = {.program = r->program,
				  .percent = r->percent,
				  .limit_ns = t->limit_ns,
				  .preload = preload,
				  .counts = true};
	json_t *result = NULL, *none = NULL;
	struct whole_folder f;

	r->status = find_libc(t, preload, sizeof(preload), r->why);
	if (r->status != STATUS_OK)
		return;
	r->status = whole_folder_init(t, r->program, r->percent, &f, r->why);
	if (r->status != STATUS_OK)
		return;
	r->status = whole_start(&f, &q, &result, &none, r->why);
	if (r->status == STATUS_OK)
		take_reference(&f, result, t->limit_ns, r);
	json_decref(result);
	whole_folder_release(&f);
}

const struct whole_reference *whole_reference(const struct bench_tools *t,
					      const struct whole_program *p, unsigned percent)
{
	unsigned i = 0;

	while (i < nreferences && (references[i].program != p || references[i].percent != percent))
		i++;
	if (i < nreferences)
		return &references[i];
	i = i < REFERENCES ? i : REFERENCES - 1;
	references[i] = (struct whole_reference){.program = p, .percent = percent};
	make_reference(t, &references[i]);
	if (references[i].status == STATUS_OK || references[i].status == STATUS_WRONG_ALLOCATOR)
		nreferences = i + 1;
	return &references[i];
}

struct reading {
	struct whole_bindings_request request;
	struct whole_bindings all; /* of the processes that count */
};

static void read_bindings(void *ctx, FILE *in)
{
	struct reading *r = ctx;
	struct whole_bindings one = {0};

	whole_bindings_read(in, &r->request, &one);
	if (!one.is_server)
		return;
	uint64_t served = r->all.served + one.served;

	if (!r->all.call[0])
		r->all = one;
	r->all.is_server = true;
	r->all.served = served;
}

static enum bench_status judge_bindings(const struct whole_folder *f, const struct whole_program *p,
					const struct whole_bindings *b, char why[512])
{
	char said[300];

	whole_folder_text(f, WHOLE_STDERR, said, sizeof(said));
	if (strstr(said, "cannot be preloaded")) {
		snprintf(why, 512, "the file does not load: %s", said);
	} else if (!b->is_server) {
		snprintf(why, 512, "the loader binds nothing of %s: it is static, or not started",
			 p->server);
	} else if (b->call[0]) {
		snprintf(why, 512, "%s of %s is served by %.300s", b->call, p->server, b->by);
	} else if (!b->served) {
		snprintf(why, 512, "nothing of %s calls the file", p->server);
	} else {
		return STATUS_OK;
	}
	return STATUS_WRONG_ALLOCATOR;
}

/* A crash explains why nothing was seen, but not who served what was. */
static enum bench_status judge_proof(const struct whole_folder *f, const json_t *result,
				     const struct bench_tools *t, const struct reading *r,
				     const struct whole_program *p, char why[512])
{
	char end_why[512];
	enum bench_status end = whole_judge_end(f, result, t->limit_ns, end_why);
	enum bench_status bound = judge_bindings(f, p, &r->all, why);

	if (bound != STATUS_OK && (end == STATUS_OK || r->all.is_server))
		return bound;
	if (end != STATUS_OK)
		snprintf(why, 512, "in the run that shows who serves malloc: %.440s", end_why);
	return end;
}

static enum bench_status make_proof(const struct bench_tools *t, const struct whole_program *p,
				    const struct allocator_ref *ref, const uint64_t *calls,
				    char why[512])
{
	struct whole_request q = {.program = p,
				  .percent = PROOF_PERCENT,
				  .limit_ns = t->limit_ns,
				  .preload = ref->path,
				  .bindings = true};
	struct reading r = {.request = {p->server, ref->path, calls}};
	json_t *result = NULL, *none = NULL;
	struct whole_folder f;
	enum bench_status status = whole_folder_init(t, p, PROOF_PERCENT, &f, why);

	if (status != STATUS_OK)
		return status;
	status = whole_start(&f, &q, &result, &none, why);
	if (status == STATUS_OK) {
		each_file(&f, "bindings.", read_bindings, &r);
		status = judge_proof(&f, result, t, &r, p, why);
	}
	json_decref(result);
	whole_folder_release(&f);
	return status;
}

enum bench_status whole_prove(const struct bench_tools *t, const struct whole_program *p,
			      const struct allocator_ref *ref, const uint64_t *calls, char why[512])
{
	unsigned i = 0;

	while (i < nproofs && (proofs[i].program != p || strcmp(proofs[i].path, ref->path) != 0 ||
			       strcmp(proofs[i].sha256, ref->sha256) != 0))
		i++;
	if (i < nproofs) {
		snprintf(why, 512, "%s", proofs[i].why);
		return proofs[i].status;
	}
	i = i < PROOFS ? i : PROOFS - 1;
	struct whole_proven *made = &proofs[i];

	made->program = p;
	snprintf(made->path, sizeof(made->path), "%s", ref->path);
	snprintf(made->sha256, sizeof(made->sha256), "%s", ref->sha256);
	made->why[0] = '\0';
	made->status = make_proof(t, p, ref, calls, made->why);
	/* What may be different the next time is tried again. */
	if (made->status == STATUS_OK || made->status == STATUS_WRONG_ALLOCATOR)
		nproofs = i + 1;
	snprintf(why, 512, "%s", made->why);
	return made->status;
}
