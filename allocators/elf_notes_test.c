#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/elf_notes.h"

/* Notes in a block of their exact size: reading beyond it is seen by the sanitizers. */
struct notes {
	unsigned char *data;
	size_t len;
};

static void put(struct notes *n, const void *data, size_t len, size_t align)
{
	size_t padded = (n->len + len + align - 1) & ~(align - 1);
	unsigned char *bigger = realloc(n->data, padded);

	assert_non_null(bigger);
	memset(bigger + n->len, 0, padded - n->len);
	memcpy(bigger + n->len, data, len);
	*n = (struct notes){bigger, padded};
}

static void put_note(struct notes *n, const char *name, uint32_t type, size_t id_len, size_t align)
{
	const Elf64_Nhdr head = {(uint32_t)strlen(name) + 1, (uint32_t)id_len, type};
	unsigned char id[64];

	for (size_t i = 0; i < id_len; i++)
		id[i] = (unsigned char)(i + 1);
	size_t at = n->len;

	put(n, &head, sizeof(head), 4);
	put(n, name, head.n_namesz, 1);
	/* The descriptor begins at a multiple of the alignment, counted from the note's start. */
	while ((n->len - at) % align)
		put(n, "", 1, 1);
	put(n, id, id_len, 1);
	while ((n->len - at) % align)
		put(n, "", 1, 1);
}

static void finds_the_id_behind_other_notes(void **state)
{
	(void)state;
	for (size_t align = 4; align <= 8; align += 4) {
		struct notes n = {0};
		size_t len = 0;

		put_note(&n, "Linux", NT_GNU_BUILD_ID, 6, align);
		put_note(&n, "GNU", 1, 7, align);
		put_note(&n, "GNU", NT_GNU_BUILD_ID, 20, align);
		const unsigned char *id = elf_notes_build_id(n.data, n.len, align, 32, &len);

		assert_non_null(id);
		assert_int_equal(len, 20);
		assert_int_equal(id[0], 1);
		assert_int_equal(id[19], 20);
		free(n.data);
	}
}

static void has_none(void **state)
{
	struct notes n = {0};
	size_t len = 77;

	(void)state;
	assert_null(elf_notes_build_id(NULL, 0, 4, 32, &len));
	put_note(&n, "Xen", NT_GNU_BUILD_ID, 20, 4);
	assert_null(elf_notes_build_id(n.data, n.len, 4, 32, &len));
	put_note(&n, "GNU", NT_GNU_BUILD_ID, 20, 4);
	assert_null(elf_notes_build_id(n.data, n.len, 4, 19, &len));
	assert_int_equal(len, 77);
	free(n.data);
}

/* Cut anywhere, and with lengths that lead far out. */
static void is_never_read_beyond_its_end(void **state)
{
	struct notes n = {0};
	size_t len;

	(void)state;
	put_note(&n, "GNU", NT_GNU_BUILD_ID, 20, 4);
	for (size_t cut = 0; cut < n.len; cut++) {
		unsigned char *part = malloc(cut ? cut : 1);

		assert_non_null(part);
		memcpy(part, n.data, cut);
		assert_null(elf_notes_build_id(part, cut, 4, 32, &len));
		free(part);
	}
	for (int field = 0; field < 2; field++) {
		uint32_t saved, huge = UINT32_MAX;

		memcpy(&saved, n.data + 4 * field, 4);
		memcpy(n.data + 4 * field, &huge, 4);
		assert_null(elf_notes_build_id(n.data, n.len, 4, 32, &len));
		memcpy(n.data + 4 * field, &saved, 4);
	}
	free(n.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_id_behind_other_notes),
		cmocka_unit_test(has_none),
		cmocka_unit_test(is_never_read_beyond_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
