/* SPDX-License-Identifier: MIT */
/* The documents on stdout. Each begins with the version of their form. */
#ifndef REPORT_H
#define REPORT_H

#include "json.h"
#include "options.h"
#include "trial.h"

#define REPORT_FORMAT	 1
#define MIGBENCH_VERSION "1.0.0"

void report_begin(struct json *json);
void report_trial(const struct trial *trial, struct json *json);

/* What this kernel speaks, and for each mode whether it can run here. */
void report_probe(const struct options *options, struct json *json);

#endif
