/* SPDX-License-Identifier: MIT */
/* A way of moving pages. Each is a row that registers itself from a file in modes/. */
#ifndef MODE_H
#define MODE_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

struct pass;
struct trial;

/* Which regions a mode needs, and where their pages belong afterwards. */
enum layout {
	LAYOUT_MOVE, /* one region: source to target */
	LAYOUT_SWAP, /* two regions of the same size that change places */
	LAYOUT_COPY, /* two regions that stay: the contents of the first go to the second */
};

struct mode {
	const char *name;
	const char *help;
	unsigned rank; /* place in the list */
	enum layout layout;
	unsigned features; /* of dialect.h, that the kernel must have; 0: any kernel */
	bool user_threads; /* --threads counts threads of this program */
	/* Before any memory of the trial exists; may be NULL. */
	void (*prepare)(struct trial *trial);
	/* With the memory in place, all that must not be timed; may be NULL. */
	bool (*arm)(struct trial *trial, struct pass *pass);
	/* The timed region: fills pass->span, and pass->error or pass->not_moved. */
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

/* NULL, with the nearest known name, if there is none of that name. */
struct mode *mode_find(const char *name, const char **nearest);

void modes_list(struct json *json);

#endif
