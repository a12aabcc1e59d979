/*
 * fuzz_report.h - what a session came to: for people, and as allocrig.fuzz/1.
 */
#ifndef CLI_FUZZ_REPORT_H
#define CLI_FUZZ_REPORT_H

#include "harness/cli/fuzz_session.h"

void fuzz_report_print(FILE *out, const struct fuzz_session *s);

/* NULL when out of memory. */
json_t *fuzz_report_json(const struct fuzz_session *s);

#endif
