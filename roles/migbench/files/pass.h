/* SPDX-License-Identifier: MIT */
/* A pass: one migration of one set of pages. A trial has a warm-up pass and a timed pass. */
#ifndef PASS_H
#define PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "placement.h"
#include "threads.h"

struct trial;

/* Not a valid status value of any kernel. */
#define STATUS_UNSET (INT32_MIN + 1)

/* The arguments of move_pages for one region, populated and locked before the timed region. */
struct page_list {
	uint64_t count;
	void **addresses;
	int *nodes;
	int *status;
	int *found;	 /* node of each page, queried at once after the call */
	bool has_status; /* the array was passed to the kernel */
};

struct pass {
	struct region regions[2];
	struct page_list lists[2];
	unsigned region_count;
	struct team team;
	struct span span;
	const char *call;     /* system call that failed */
	int error;	      /* its errno; 0: success */
	uint64_t not_moved;   /* return values of the calls: pages or pairs that were not moved */
	bool has_pair_status; /* the status of the second list is 0 or -errno for each pair */
};

/* Allocates the regions of the trial's mode on their nodes, and the lists of their pages. */
bool pass_create(struct pass *pass, const struct trial *trial, uint64_t pages,
		 struct verdict *verdict);
void pass_free(struct pass *pass);

/* Bytes that the mode moves or copies. */
uint64_t pass_bytes(const struct pass *pass, const struct trial *trial);

/* One move_pages call for the whole list. */
void pass_move(struct pass *pass, struct page_list *list, int flags);

/* Records the return value of a call: pages that were not moved, or -1 with an errno. */
void pass_result(struct pass *pass, const char *call, long result, int error);

#endif
