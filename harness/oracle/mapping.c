/* The program's own mappings: the words that it wrote into them. */
#include <errno.h>
#include <stdatomic.h>

#include "harness/oracle/model_internal.h"

static size_t page_rounded(const struct model *m, size_t len)
{
	size_t page = m->options.page_bytes;

	return len > SIZE_MAX - page ? len : (len + page - 1) & ~(page - 1);
}

/* The words at the starts of the pages of `r`, which begins and ends with a page. */
static struct content_words page_words(const struct model *m, const struct map_slot *map,
				       struct range r)
{
	return (struct content_words){.first = r.start - map->start,
				      .count = (r.end - r.start) / m->options.page_bytes,
				      .step = m->options.page_bytes};
}

/* A part that cannot be cut out any more would be judged after it is gone. */
static void forget_touched(struct model *m, uintptr_t start, uintptr_t end)
{
	if (range_set_remove(m->touched, start, end) == 0)
		return;
	m->touched_lost = true;
	m->extents.forgotten++;
}

void model_map(struct model *m, uint32_t slot, uintptr_t start, size_t len, bool plain)
{
	uintptr_t end = start + page_rounded(m, len);

	forget_touched(m, start, end);
	m->maps[slot] = (struct map_slot){
		.start = start, .len = end - start, .id = model_next_id(m), .plain = plain};
}

void model_unmap(struct model *m, uintptr_t start, size_t len)
{
	forget_touched(m, start, start + page_rounded(m, len));
}

void model_map_taint(struct model *m, uint32_t slot)
{
	m->maps[slot].plain = false;
}

int model_map_touch(struct model *m, uint32_t slot, uintptr_t start, size_t len)
{
	const struct map_slot *map = &m->maps[slot];
	struct content c = {.base = (unsigned char *)map->start, .id = map->id};

	if (start < map->start || len > map->len || start - map->start > map->len - len)
		return -EINVAL;
	uintptr_t inside = start & (m->options.page_bytes - 1);
	struct range r = {.start = start - inside};

	r.end = r.start + (len ? page_rounded(m, inside + len) : 0);
	struct content_words w = page_words(m, map, r);

	content_fill_words(&c, &w);
	atomic_signal_fence(memory_order_seq_cst);
	if (map->plain && range_set_insert(m->touched, r.start, r.end, map->id))
		m->extents.forgotten++;
	return 0;
}

void judge_mapping(const struct judge *j, uint32_t slot)
{
	const struct map_slot *map = &j->m->maps[slot];
	uintptr_t at = map->start, end = map->start + map->len;
	struct content c = {.base = (unsigned char *)map->start, .id = map->id};
	struct content_diff d = {0};
	struct range r;

	if (!map->plain || j->m->touched_lost)
		return;
	for (; range_set_first(j->m->touched, at, end, &r); at = r.end) {
		struct content_words w = page_words(j->m, map, r);

		if (r.tag == map->id)
			content_check_words(&c, &w, j->m->options.check_full, &d);
	}
	if (d.changed == 0)
		return;
	report_slot(j, slot, (struct verdict_kind){FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING},
		    (const uint64_t[6]){map->start, map->len, d.offset, d.expected, d.found,
					d.changed});
	model_map_taint(j->m, slot);
}

void oracle_map_content(struct model *m, const struct call_event *e, struct finding_sink *sink)
{
	struct judge j = {m, e, sink};

	judge_mapping(&j, e->slot);
}
