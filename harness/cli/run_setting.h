/*
 * run_setting.h - the options that say what a run meets and what is accepted: refusals, ballast, a
 * profile. One argp child.
 */
#ifndef CLI_RUN_SETTING_H
#define CLI_RUN_SETTING_H

#include <argp.h>

#include "harness/cli/runner.h"

extern const struct argp run_setting_argp; /* input: struct runner_options * */

#endif
