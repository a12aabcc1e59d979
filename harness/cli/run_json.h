/*
 * run_json.h - the result object of DESIGN.md (allocrig.run/1).
 */
#ifndef CLI_RUN_JSON_H
#define CLI_RUN_JSON_H

#include <jansson.h>

#include "harness/cli/verdict.h"

/* NULL when out of memory. */
json_t *run_json(const struct verdict_input *in, const struct verdict *v);

/* {"kernel", "max_map_count", "thp", "cpu"}: the machine that runs this. */
json_t *host_json(void);

/* {"name", "path", "version", "build_id", "sha256", "package"} */
json_t *allocator_json(const struct allocator_ref *a);

#endif
