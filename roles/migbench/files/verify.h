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
	bool checked;
	uint64_t pages, pages_on_target;
	struct placement placement;
	uint64_t bytes_checked, bytes_wrong;
	bool has_status;
	uint64_t status_mismatches; /* status entries or return values that differ from the query */
	uint64_t pages_not_migrated; /* return value of the call */
	bool huge;
	struct folios folios_before, folios_after;
};

/* Checks node and size of every page and writes the pattern. False: see the verdict. */
bool verify_before(struct trial *trial, const struct pass *pass);

/* Checks contents, node and size of every page. After --settle-ms checks contents again. */
void verify_after(struct trial *trial, const struct pass *pass);

void verification_json(const struct verification *result, struct json *json);

#endif
