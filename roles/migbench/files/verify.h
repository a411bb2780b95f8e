/* SPDX-License-Identifier: MIT */
/* Verifies placement, page size and contents before and after the timed call. */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "folios.h"
#include "json.h"
#include "pass.h"
#include "placement.h"

struct trial;

struct verification {
	bool queried; /* at once after the call */
	bool checked;
	uint64_t pages, pages_on_target; /* at once after the call, as far as known then */
	struct placement placement;
	uint64_t balanced_in_call;  /* pages that NUMA balancing moved, of all processes */
	uint64_t pages_left;	    /* not on the target node at once after the call */
	uint64_t pages_hidden;	    /* found only later, and not on the target node */
	uint64_t pages_moved_later; /* that left the target node after the call */
	uint64_t bytes_checked, bytes_wrong;
	bool has_status;
	uint64_t status_mismatches; /* status entries or return values that differ from the query */
	uint64_t pages_not_migrated; /* return value of the call */
	bool huge;
	struct folios folios_before, folios_after;
};

/* Checks node and size of every page and writes the pattern. False: see the verdict. */
bool verify_before(struct trial *trial, const struct pass *pass);

/* Whether the call has moved all pages to their target node. */
bool verification_all_moved(const struct verification *result);

/* Checks status, contents, node and size of every page. After --settle-ms checks contents again. */
void verify_after(struct trial *trial, const struct pass *pass);

void verification_json(const struct verification *result, struct json *json);

#endif
