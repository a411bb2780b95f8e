/* SPDX-License-Identifier: MIT */
/* What is known of the pages from other sources than the timed call. */
#ifndef TRUTH_H
#define TRUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "folios.h"
#include "json.h"
#include "pass.h"
#include "residence.h"

struct trial;

struct truth {
	bool checked;
	uint64_t pages, pages_on_target;
	struct residence residence;
	uint64_t bytes_checked, bytes_wrong;
	bool has_status;
	uint64_t status_lies; /* status entries, or results, that the second query contradicts */
	uint64_t pages_left;  /* that the call itself said it left behind */
	bool huge;
	struct folios folios_before, folios_after;
};

/* Proves size and place of every page, then writes the pattern. False: see the verdict. */
bool truth_before(struct trial *trial, const struct pass *pass);

/* Contents, place and size of every page, then, after the settling time, contents again. */
void truth_after(struct trial *trial, const struct pass *pass);

void truth_json(const struct truth *truth, struct json *json);

#endif
