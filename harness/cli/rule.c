#include "harness/cli/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/prog/names.h"
#include "harness/prog/parse.h"

/* One comment line, without "# "; what it points to is not terminated. */
struct comment {
	const char *text;
	size_t len;
};

/* "canary: ..." and the like, which are for programs to read. */
static bool is_directive(const struct comment *c)
{
	size_t n = 0;

	while (n < c->len && (islower((unsigned char)c->text[n]) || c->text[n] == '-'))
		n++;
	return n && n < c->len && c->text[n] == ':';
}

static bool next_comment(const char **text, struct comment *ret_c)
{
	const char *p = *text;

	if (*p != '#')
		return false;
	p++;
	p += *p == ' ';
	size_t len = strcspn(p, "\n");

	*ret_c = (struct comment){p, len};
	while (ret_c->len && isspace((unsigned char)p[ret_c->len - 1]))
		ret_c->len--;
	*text = p + len + (p[len] == '\n');
	return true;
}

static int append(char **to, const struct comment *c)
{
	char *longer;

	if (asprintf(&longer, "%s%s%.*s", *to, **to ? " " : "", (int)c->len, c->text) < 0)
		return -ENOMEM;
	free(*to);
	*to = longer;
	return 0;
}

/* "Rule 7: words. [source]" becomes "words." and "source". */
static int split_sentence(struct rule *rule)
{
	char *text = rule->sentence, *open = strrchr(text, '[');
	size_t len = strlen(text);
	bool has_source = open && text[len - 1] == ']';

	rule->source = has_source ? strndup(open + 1, strlen(open) - 2) : strdup("");
	if (!rule->source)
		return -ENOMEM;
	while (has_source && open > text && isspace((unsigned char)open[-1]))
		open--;
	if (has_source)
		*open = '\0';
	const char *colon = strstr(text, ": ");

	if (strncmp(text, "Rule ", 5) == 0 && colon)
		memmove(text, colon + 2, strlen(colon + 2) + 1);
	return 0;
}

static int parse_profile(const struct comment *c, struct rule *rule, char *err, size_t err_size)
{
	char name[64], form[32], more;
	char line[256];

	snprintf(line, sizeof(line), "%.*s", (int)c->len, c->text);
	int n = sscanf(line, "profile: %63s %31s %u %c", name, form, &rule->statement, &more);
	int which = n >= 2 ? answer_form_by_name(form) : -EINVAL;

	if (n != 3 || which < 0) {
		snprintf(err, err_size,
			 "found '%.80s', expected profile: RULE FORM STATEMENT with "
			 "the form zero, realloc-zero, call, rounding or usable",
			 line);
		return -EINVAL;
	}
	if (rule->profile) {
		snprintf(err, err_size, "a second profile line: a program asks one rule");
		return -EINVAL;
	}
	rule->form = (enum answer_form)which;
	rule->profile = strdup(name);
	return rule->profile ? 0 : -ENOMEM;
}

static int parse_comments(const char *text, struct rule *rule, unsigned *line, char *err,
			  size_t err_size)
{
	struct comment c;
	bool in_sentence = true;
	int rc = 0;

	/* The version line. */
	text += strcspn(text, "\n");
	text += *text == '\n';
	for (*line = 2; !rc && next_comment(&text, &c); ++*line) {
		if (is_directive(&c)) {
			in_sentence &= !*rule->sentence;
			if (c.len > 8 && strncmp(c.text, "profile:", 8) == 0)
				rc = parse_profile(&c, rule, err, err_size);
		} else if (c.len == 0) {
			in_sentence &= !*rule->sentence;
		} else if (in_sentence) {
			rc = append(&rule->sentence, &c);
			in_sentence = c.text[c.len - 1] != ']';
		}
	}
	--*line;
	return rc ? rc : split_sentence(rule);
}

int rule_parse_head(const char *text, struct rule *rule, char *err, size_t err_size)
{
	char what[256] = "";
	unsigned line = 0;

	rule->sentence = strdup("");
	int rc = rule->sentence ? parse_comments(text, rule, &line, what, sizeof(what)) : -ENOMEM;

	if (rc)
		snprintf(err, err_size, "%u: %s", line, rc == -EINVAL ? what : strerror(-rc));
	return rc;
}

static void put_question(struct rule *rule, const struct op *op)
{
	const char *name = op_name(op->code);
	unsigned long long a = op->arg0, b = op->arg1;
	const char *old = rule->form == ANSWER_REALLOC_ZERO ? "p" : "NULL";
	char *buf = rule->question;
	size_t size = sizeof(rule->question);
	char line[PROG_LINE_MAX];

	switch (op->code) {
	case OP_MALLOC:
	case OP_VALLOC:
	case OP_PVALLOC:
		snprintf(buf, size, "%s(%llu)", name, a);
		break;
	case OP_REALLOC:
		snprintf(buf, size, "%s(%s, %llu)", name, old, a);
		break;
	case OP_REALLOCARRAY:
		snprintf(buf, size, "%s(%s, %llu, %llu)", name, old, a, b);
		break;
	case OP_CALLOC:
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		snprintf(buf, size, "%s(%llu, %llu)", name, a, b);
		break;
	default:
		snprintf(buf, size, "%.*s", (int)size - 1,
			 op_print(op, 0, line, sizeof(line)) > 0 ? line : name);
	}
}

/* "memalign" stands in "memalign(0, 1)" and not in "posix_memalign". */
static const char *mention_of(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++) {
		bool begins = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');

		if (begins && !isalnum((unsigned char)at[len]) && at[len] != '_')
			return at;
	}
	return NULL;
}

/* malloc_trim and malloc_usable_size are called `trim` and `usable` in programs. */
static const char *mention(const struct rule *rule, unsigned code)
{
	if (code == OP_TRIM || code == OP_USABLE)
		return strstr(rule->sentence, op_name(code));
	return mention_of(rule->sentence, op_name(code));
}

/* What every allocator has, and what a program does beside its point. */
static bool is_beside(const struct op *op)
{
	return op->code == OP_MALLOC || op->code == OP_FREE || op->code == OP_TOUCH ||
	       (op->space != SPACE_BLOCK && op->code != OP_TRIM);
}

/*
 * A rule is about the function that its sentence mentions first: where that is absent its point was
 * not looked at. Where it mentions none that the program calls, it is about all that are called.
 */
static void find_subject(struct rule *rule, const bool called[OP_CODES])
{
	const char *first = NULL;
	unsigned subject = OP_CODES;

	for (unsigned i = 0; i < OP_CODES; i++) {
		const char *at = called[i] ? mention(rule, i) : NULL;

		if (at && (!first || at < first)) {
			first = at;
			subject = i;
		}
	}
	for (unsigned i = 0; i < OP_CODES; i++)
		rule->asks[i] = first ? i == subject : called[i] && i != OP_TRIM && i != OP_USABLE;
}

static int read_statements(struct rule *rule)
{
	static struct prog_reader reader;
	struct prog_error err;
	struct op op;
	bool asked = !rule->profile, called[OP_CODES] = {0};

	if (prog_reader_init(&reader, rule->program.fd, &err) != 0)
		return EXIT_BROKEN;
	while (prog_reader_next(&reader, &op, &err) == 0) {
		called[op.code] |= !is_beside(&op);
		if (asked || op.stmt != rule->statement || op.code == OP_END)
			continue;
		put_question(rule, &op);
		asked = true;
	}
	find_subject(rule, called);
	if (!asked)
		cli_complain("%s: the profile line names statement %u, and there are %llu",
			     rule->program.path, rule->statement,
			     (unsigned long long)rule->program.info.statements);
	return asked ? 0 : EXIT_MISUSE;
}

static int read_head(struct rule *rule)
{
	char text[8192], err[512];
	ssize_t len = pread(rule->program.fd, text, sizeof(text) - 1, 0);

	if (len < 0) {
		cli_complain("%s: %s", rule->program.path, strerror(errno));
		return EXIT_BROKEN;
	}
	text[len] = '\0';
	int rc = rule_parse_head(text, rule, err, sizeof(err));

	if (rc)
		cli_complain("%s:%s", rule->program.path, err);
	if (rc)
		return rc == -EINVAL ? EXIT_MISUSE : EXIT_BROKEN;
	return 0;
}

int rule_open(const char *path, struct rule *ret_rule)
{
	struct rule rule = {.program.fd = -1};
	int code = program_open(path, &rule.program);

	if (code)
		return code;
	rule.number = (unsigned)strtoul(
		rule.program.name + strcspn(rule.program.name, "0123456789-"), NULL, 10);
	code = read_head(&rule);
	if (!code)
		code = read_statements(&rule);
	if (code)
		rule_release(&rule);
	else
		*ret_rule = rule;
	return code;
}

void rule_release(struct rule *rule)
{
	program_release(&rule->program);
	free(rule->sentence);
	free(rule->source);
	free(rule->profile);
	*rule = (struct rule){.program.fd = -1};
}
