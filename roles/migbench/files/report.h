/* SPDX-License-Identifier: MIT */
/* The JSON documents on stdout. The first key is the version of their format. */
#ifndef REPORT_H
#define REPORT_H

#include "json.h"
#include "options.h"
#include "trial.h"

#define REPORT_FORMAT	 2
#define MIGBENCH_VERSION "2.1.0"

void report_begin(struct json *json);
void report_trial(const struct trial *trial, struct json *json);

/* The dialect of this kernel, and for each mode if it is supported. */
void report_probe(const struct options *options, struct json *json);

#endif
