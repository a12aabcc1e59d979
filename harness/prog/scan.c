#include "harness/prog/parse.h"

/* The highest slot that the slice names, plus one; 0 for an empty slice. */
static uint32_t slice_slots(const struct slice *s)
{
	if (slice_is_empty(s))
		return 0;
	return s->stop - (s->stop - 1 - s->start) % s->step;
}

static void raise_to(uint32_t *highest, uint32_t value)
{
	if (value > *highest)
		*highest = value;
}

static void scan_expect(struct prog_info *info, unsigned metric)
{
	info->has_lost_metric |= metric == METRIC_MAPS_LOST || metric == METRIC_MAPPED_LOST;
	info->has_peak_metric |= metric == METRIC_MAPS_PEAK || metric == METRIC_MAPPED_PEAK ||
				 metric == METRIC_RSS_PEAK;
}

/* The slots that a mapping op names beside its own. */
static void scan_other_slots(struct prog_info *info, const struct op_map *map)
{
	if (map->has_target)
		raise_to(&info->map_slots, map->target + 1);
	if (map->has_to)
		raise_to(&info->map_slots, map->to + 1);
	if (map->source != SOURCE_SLOT)
		return;
	raise_to(&info->map_slots, map->of + 1);
	info->has_of = true;
}

static void scan_op(struct prog_info *info, const struct op *op)
{
	if (op->space == SPACE_BLOCK)
		raise_to(&info->block_slots, slice_slots(&op->slice));
	if (op->space == SPACE_MAP)
		raise_to(&info->map_slots, slice_slots(&op->slice));
	if (op->code == OP_MMAP || op->code == OP_MREMAP)
		scan_other_slots(info, &op->map);
	raise_to(&info->threads, op->thread + 1u);
	info->has_fork |= op->code == OP_FORK;
	info->has_parallel |= op->code == OP_PARALLEL;
	info->has_exit |= op->code == OP_EXIT;
	info->has_of |= op->code == OP_TRUNCATE;
	if (op->code == OP_WHEN)
		info->facts |= UINT32_C(1) << op->fact.fact;
	info->has_block_ops |= op_is_block_call(op->code) || op->code == OP_TRIM;
	info->has_expect |= op->code == OP_EXPECT;
	if (op->code == OP_EXPECT)
		scan_expect(info, op->expect.metric);
}

int prog_scan(int fd, struct prog_info *ret_info, struct prog_error *err)
{
	struct prog_info info = {.threads = 1};
	struct prog_reader r;
	struct op op;
	int ret = prog_reader_init(&r, fd, err);

	if (ret)
		return ret;
	info.header = r.header;
	for (uint32_t i = 0; i < info.header.nneeds; i++)
		info.facts |= UINT32_C(1) << info.header.needs[i].fact;
	while ((ret = prog_reader_next(&r, &op, err)) == 0) {
		scan_op(&info, &op);
		raise_to(&info.max_depth, r.at.depth);
	}
	if (ret < 0)
		return ret;
	info.statements = r.at.stmt;
	*ret_info = info;
	return 0;
}
