/* SPDX-License-Identifier: MIT */
/* A test program exits at the first failed check. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, \
				#condition);                                             \
			exit(1);                                                         \
		}                                                                        \
	} while (0)

#define CHECK_TEXT(text, wanted)                                                              \
	do {                                                                                  \
		if (strcmp(text, wanted) != 0) {                                              \
			fprintf(stderr, "%s:%d: got %s\n  expected %s\n", __FILE__, __LINE__, \
				text, wanted);                                                \
			exit(1);                                                              \
		}                                                                             \
	} while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
