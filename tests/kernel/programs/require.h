/* SPDX-License-Identifier: MIT */
/* A check prints a message and exits with status 1 at the first failed requirement. */
#ifndef REQUIRE_H
#define REQUIRE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FAIL(...)                                                            \
	do {                                                                 \
		fflush(stdout);                                              \
		fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, context); \
		fprintf(stderr, __VA_ARGS__);                                \
		fputc('\n', stderr);                                         \
		exit(1);                                                     \
	} while (0)

#define REQUIRE(condition, ...)            \
	do {                               \
		if (!(condition))          \
			FAIL(__VA_ARGS__); \
	} while (0)

/* For calls that set errno. */
#define MUST(condition) REQUIRE(condition, "%s: %s", #condition, strerror(errno))

/* Prefix of messages. */
extern const char *context;

#endif
