/*
 * found.json, and back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_priv.h"
#include "harness/cli/json_out.h"

#define SCHEMA "allocrig.found/1"

static const char *const state_names[] = {
	[FOLDER_FOUND] = "found",
	[FOLDER_CONFIRMED] = "confirmed",
	[FOLDER_SHRUNK] = "shrunk",
	[FOLDER_LEFT] = "left",
};

static const char *const load_names[] = {
	[LOAD_PRELOAD] = "preload",
	[LOAD_DLOPEN] = "dlopen",
	[LOAD_INSIDE] = "inside",
};

static int word_of(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; word && i < n; i++)
		if (words[i] && strcmp(words[i], word) == 0)
			return (int)i;
	return -EINVAL;
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void put_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

/* Symbols and paths may have any bytes: what JSON cannot say stands beside it in hexadecimal. */
static void put_bytes(json_t *o, const char *key, const char *text)
{
	json_t *whole = json_string(text);
	char hex_key[64], *hex;

	if (whole) {
		json_object_set_new(o, key, whole);
		return;
	}
	json_object_set_new(o, key, json_bytes(text, strlen(text)));
	hex = malloc(2 * strlen(text) + 1);
	if (!hex)
		return;
	for (size_t i = 0; text[i]; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text[i]);
	snprintf(hex_key, sizeof(hex_key), "%s_hex", key);
	json_object_set_new(o, hex_key, json_string(hex));
	free(hex);
}

static int get_hex(const char *hex, char *buf, size_t size)
{
	size_t len = strlen(hex) / 2;

	if (len >= size || strspn(hex, "0123456789abcdef") != 2 * len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (sscanf(hex + 2 * i, "%2hhx", (unsigned char *)&buf[i]) != 1)
			return -EINVAL;
	buf[len] = '\0';
	return 0;
}

static int get_bytes(const json_t *o, const char *key, char *buf, size_t size)
{
	char hex_key[64];
	const char *text = json_string_value(json_object_get(o, key));

	snprintf(hex_key, sizeof(hex_key), "%s_hex", key);
	const char *hex = json_string_value(json_object_get(o, hex_key));

	if (hex)
		return get_hex(hex, buf, size);
	if (!text || strlen(text) >= size)
		return -EINVAL;
	snprintf(buf, size, "%s", text);
	return 0;
}

static void put_rate(json_t *o, const char *key, struct hunt_rate rate)
{
	json_t *r = rate.runs ? json_pack("{s:I,s:I}", "fired", (json_int_t)rate.fired, "runs",
					  (json_int_t)rate.runs)
			      : json_null();

	json_object_set_new(o, key, r);
}

static struct hunt_rate get_rate(const json_t *o, const char *key)
{
	const json_t *r = json_object_get(o, key);

	return (struct hunt_rate){
		.fired = (unsigned)json_integer_value(json_object_get(r, "fired")),
		.runs = (unsigned)json_integer_value(json_object_get(r, "runs")),
	};
}

static void put_found(json_t *o, const struct found *f)
{
	put_bytes(o, "signature", f->signature);
	json_object_set_new(o, "kind", json_string(finding_kind_name(f->kind)));
	put_bytes(o, "message", f->message);
	put_bytes(o, "allocator", f->allocator);
	json_object_set_new(o, "known", json_boolean(f->known));
	json_object_set_new(o, "load", json_string(load_names[f->load]));
	put_number(o, "hang_ns", f->hang_ns);
	put_number(o, "input", f->input);
	json_object_set_new(o, "seconds", json_real(f->seconds));
}

static int get_found(const json_t *o, struct found *f)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const json_t *seconds = json_object_get(o, "seconds");
	int load = word_of(load_names, COUNT(load_names),
			   json_string_value(json_object_get(o, "load")));
	int number = kind ? finding_kind_by_name(kind) : -EINVAL;

	if (load < 0 || number < 0 || get_bytes(o, "signature", f->signature, 256) ||
	    get_bytes(o, "message", f->message, sizeof(f->message)) ||
	    get_bytes(o, "allocator", f->allocator, sizeof(f->allocator)))
		return -EINVAL;
	if (!f->signature[0] || !f->allocator[0])
		return -EINVAL;
	f->kind = (uint8_t)number;
	f->load = (enum load_mode)load;
	f->known = json_is_true(json_object_get(o, "known"));
	f->hang_ns = (uint64_t)json_integer_value(json_object_get(o, "hang_ns"));
	f->input = (uint64_t)json_integer_value(json_object_get(o, "input"));
	f->seconds = json_number_value(seconds);
	return 0;
}

static void put_proof(json_t *o, const struct folder_proof *p)
{
	json_t *proof = json_object();

	json_object_set_new(o, "repro", proof);
	json_object_set_new(proof, "run", json_boolean(p->tried));
	json_object_set_new(proof, "why_not", json_text(p->why_not));
	json_object_set_new(proof, "exit", json_integer(p->exit_with));
	json_object_set_new(proof, "said", json_text(p->said));
	if (!p->has_plain)
		return;
	json_object_set_new(proof, "exit_plain", json_integer(p->exit_plain));
	json_object_set_new(proof, "said_plain", json_text(p->said_plain));
}

static void put_history(json_t *o, const struct folder *f)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < f->found.nhistory; i++)
		json_array_append_new(list, json_string(f->history_names[i]));
	json_object_set_new(o, "history", list);
}

/* A name of ours: "history/", digits, ".prog". */
static bool is_history_name(const char *name)
{
	if (!name || strncmp(name, "history/", 8) != 0)
		return false;
	size_t digits = strspn(name + 8, "0123456789");

	return digits && digits < 12 && strcmp(name + 8 + digits, ".prog") == 0;
}

static int get_history(const json_t *o, struct folder *f)
{
	const json_t *list = json_object_get(o, "history");
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > FOLDER_HISTORY_MOST)
		return -EINVAL;
	f->history_names = calloc(n ? n : 1, sizeof(*f->history_names));
	if (!f->history_names)
		return -ENOMEM;
	for (; f->found.nhistory < n; f->found.nhistory++) {
		const char *name = json_string_value(json_array_get(list, f->found.nhistory));
		char *copy = is_history_name(name) ? strdup(name) : NULL;

		if (!copy)
			return -EINVAL;
		f->history_names[f->found.nhistory] = copy;
	}
	return 0;
}

int folder_put_json(const struct folder *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "schema", json_string(SCHEMA));
	put_found(o, &f->found);
	put_history(o, f);
	json_object_set_new(o, "state", json_string(state_names[f->state]));
	put_number(o, "joined", f->joined);
	json_object_set_new(o, "shown_again", json_boolean(!f->not_shown));
	put_rate(o, "shown_as_found", f->rate_found);
	put_rate(o, "shown", f->rate);
	put_rate(o, "shown_in_other_load", f->rate_other);
	put_number(o, "statements_before", f->statements_before);
	put_number(o, "statements", f->statements);
	put_number(o, "runs", f->runs);
	put_bytes(o, "build", f->build);
	json_object_set_new(o, "shows_alone", json_boolean(f->alone));
	json_object_set_new(o, "stopped", json_integer(f->stopped));
	put_proof(o, &f->proof);
	char *text = json_dumps(o, JSON_INDENT(1));

	json_decref(o);
	if (!text)
		return -ENOMEM;
	size_t len = strlen(text);

	text[len] = '\n'; /* instead of the NUL */
	int err = file_put(f->dir, "found.json", text, len + 1);

	free(text);
	return err;
}

static int get_all(const json_t *o, struct folder *f)
{
	const char *schema = json_string_value(json_object_get(o, "schema"));
	int state = word_of(state_names, COUNT(state_names),
			    json_string_value(json_object_get(o, "state")));

	if (!schema || strcmp(schema, SCHEMA) != 0 || state < 0)
		return -EINVAL;
	f->state = (enum folder_state)state;
	f->joined = (uint32_t)json_integer_value(json_object_get(o, "joined"));
	f->not_shown = json_is_false(json_object_get(o, "shown_again"));
	f->rate_found = get_rate(o, "shown_as_found");
	f->rate = get_rate(o, "shown");
	f->rate_other = get_rate(o, "shown_in_other_load");
	f->statements_before =
		(uint64_t)json_integer_value(json_object_get(o, "statements_before"));
	f->statements = (uint64_t)json_integer_value(json_object_get(o, "statements"));
	f->runs = (uint64_t)json_integer_value(json_object_get(o, "runs"));
	f->stopped = (int)json_integer_value(json_object_get(o, "stopped"));
	int err = get_found(o, &f->found);

	return err ? err : get_history(o, f);
}

int folder_get_json(int dir, struct folder *f)
{
	struct found_text t;
	int err = file_get(dir, "found.json", &t);

	if (err)
		return err == -ENOMEM ? err : -EINVAL;
	json_t *o = json_loadb(t.text, t.len, 0, NULL);

	free(t.text);
	err = o ? get_all(o, f) : -EINVAL;
	json_decref(o);
	return err;
}
