/* SPDX-License-Identifier: MIT */
/* Migration modes. Each registers itself from a file in modes/. */
#ifndef MODE_H
#define MODE_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

struct pass;
struct trial;

/* The regions that a mode uses, and the nodes of their pages after the call. */
enum layout {
	LAYOUT_MOVE, /* one region, moved from source to target */
	LAYOUT_SWAP, /* two regions of the same size that swap nodes */
	LAYOUT_COPY, /* two regions that stay; the first is copied to the second */
};

struct mode {
	const char *name;
	const char *help;
	unsigned rank; /* order in the list */
	enum layout layout;
	unsigned features; /* required features of dialect.h; 0: any kernel */
	bool user_threads; /* --threads is the number of user threads */
	/* Called before the memory of the trial is allocated; may be NULL. */
	void (*prepare)(struct trial *trial);
	/* Called before the timed region, with the memory in place; may be NULL. */
	bool (*setup)(struct trial *trial, struct pass *pass);
	/* The timed region. Sets pass->span, and pass->error or pass->not_moved. */
	void (*run)(struct trial *trial, struct pass *pass);
	struct mode *next;
};

void mode_register(struct mode *mode);

#define MODE(variable)                                                     \
	static struct mode variable;                                       \
	__attribute__((constructor)) static void register_##variable(void) \
	{                                                                  \
		mode_register(&variable);                                  \
	}                                                                  \
	static struct mode variable

struct mode *mode_first(void);

/* NULL if there is no such mode; then *nearest is the most similar name. */
struct mode *mode_find(const char *name, const char **nearest);

void modes_list(struct json *json);

#endif
