/* SPDX-License-Identifier: MIT */
/* One migration of one set of pages: the warm-up is a pass, and so is what the clock times. */
#ifndef PASS_H
#define PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "residence.h"
#include "threads.h"

struct trial;

/* No kernel writes this into a status array. */
#define STATUS_UNSET (INT32_MIN + 1)

/* The arguments of move_pages for one region, present and locked before the clock starts. */
struct page_list {
	uint64_t count;
	void **addresses;
	int *nodes;
	int *status;
	bool reported; /* the kernel was given the status array */
};

struct pass {
	struct region regions[2];
	struct page_list lists[2];
	unsigned region_count;
	struct team team;
	struct span span;
	const char *call;   /* the one that failed */
	int error;	    /* its errno; 0: none failed */
	uint64_t not_moved; /* pages, or pairs of them, that the calls said they left behind */
	bool pairs_told;    /* the status of the second list is that of each pair: 0 or -errno */
};

/* Memory of pages pages for the trial's mode, in place on its nodes, and its lists. */
bool pass_create(struct pass *pass, const struct trial *trial, uint64_t pages,
		 struct verdict *verdict);
void pass_free(struct pass *pass);

/* Bytes that the mode is asked to move or copy. */
uint64_t pass_bytes(const struct pass *pass, const struct trial *trial);

/* One move_pages call for the whole list. */
void pass_move(struct pass *pass, struct page_list *list, int flags);

/* Notes what a call returned: pages left behind, or -1 with an errno. */
void pass_result(struct pass *pass, const char *call, long result, int error);

#endif
