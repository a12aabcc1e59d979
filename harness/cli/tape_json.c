#include "harness/cli/tape_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/json_out.h"
#include "harness/cli/syscall_name.h"
#include "harness/cli/tape_call.h"
#include "harness/prog/names.h"
#include "harness/prog/text.h"

/* The reader must keep pace with the run: lines are put together by hand. All words in them but the
 * names come from tables of plain letters. */
static void put_key(struct text *t, const char *key)
{
	text_str(t, ",\"");
	text_str(t, key);
	text_str(t, "\":");
}

static void put_i64(struct text *t, int64_t value)
{
	if (value < 0)
		text_str(t, "-");
	text_u64(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void put_integer(struct text *t, const char *key, int64_t value)
{
	put_key(t, key);
	put_i64(t, value);
}

/* INT64_MIN is what is not known. */
static void put_known(struct text *t, const char *key, int64_t value)
{
	if (value != INT64_MIN) {
		put_integer(t, key, value);
		return;
	}
	put_key(t, key);
	text_str(t, "null");
}

static void put_word(struct text *t, const char *key, const char *word)
{
	put_key(t, key);
	text_str(t, word ? "\"" : "null");
	if (!word)
		return;
	text_str(t, word);
	text_str(t, "\"");
}

static void put_bool(struct text *t, const char *key, bool value)
{
	put_key(t, key);
	text_str(t, value ? "true" : "false");
}

static const char *space_word(unsigned has_slot)
{
	if (has_slot == SPACE_NONE)
		return NULL;
	return has_slot == SPACE_MAP ? "m" : "b";
}

static void put_place(struct text *t, const struct tape_entry *e)
{
	put_integer(t, "op", e->stmt);
	put_word(t, "op_name", op_name(e->op_code));
	put_known(t, "slot", e->has_slot ? (int64_t)e->slot : INT64_MIN);
	put_word(t, "space", space_word(e->has_slot));
	put_integer(t, "iteration", (int64_t)e->iteration);
	put_integer(t, "thread", e->thread);
	put_integer(t, "proc", e->proc);
	put_bool(t, "again", e->again);
}

static void put_errno(struct text *t, const struct kernel_call *c)
{
	int err = c->err ? c->err : kernel_errno(c->result);
	char number[16];
	const char *name = err ? errno_name(err) : NULL;

	snprintf(number, sizeof(number), "%d", err);
	put_word(t, "errno", err && !name ? number : name);
}

static void put_call(struct text *t, const struct kernel_call *c)
{
	unsigned n = call_args(c->nr);

	put_word(t, "caller", c->caller == CALLER_PROGRAM ? "program" : "allocator");
	put_word(t, "call", syscall_word(c->nr).s);
	put_key(t, "args");
	for (unsigned i = 0; i < n; i++) {
		text_str(t, i ? "," : "[");
		put_i64(t, (int64_t)c->arg[i]);
	}
	text_str(t, n ? "]" : "[]");
	put_integer(t, "result", c->result);
	put_errno(t, c);
	put_bool(t, "injected", c->injected);
	put_integer(t, "ns", (int64_t)c->ns);
}

static void begin_line(struct text *t, const char *schema, const char *names)
{
	text_str(t, "{\"schema\":\"");
	text_str(t, schema);
	text_str(t, "\",");
	text_str(t, names);
}

int tape_json_line(const char *names, const struct tape_entry *e, char *buf, size_t size)
{
	struct text t;

	text_init(&t, buf, size);
	begin_line(&t, "allocrig.tape/1", names);
	put_place(&t, e);
	put_call(&t, &e->call);
	put_known(&t, "maps", e->maps);
	put_known(&t, "mapped_bytes", e->mapped_bytes);
	text_str(&t, "}\n");
	return text_result(&t);
}

int tape_json_dropped(const char *names, uint64_t dropped, char *buf, size_t size)
{
	struct text t;

	text_init(&t, buf, size);
	begin_line(&t, "allocrig.tape-dropped/1", names);
	put_integer(&t, "dropped", (int64_t)dropped);
	text_str(&t, "}\n");
	return text_result(&t);
}

char *tape_json_names(const char *allocator, const char *program)
{
	json_t *both = json_pack("{s:o, s:o}", "allocator", json_text(allocator), "program",
				 json_text(program));
	char *object = both ? json_dumps(both, JSON_COMPACT) : NULL;

	json_decref(both);
	if (!object)
		return NULL;
	/* The members alone, without the braces. */
	size_t len = strlen(object);

	memmove(object, object + 1, len - 2);
	object[len - 2] = '\0';
	return object;
}
