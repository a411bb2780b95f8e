// SPDX-License-Identifier: MIT
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned shift;
} UNITS[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}, {"", 0}};

static bool parse_prefix(const char *text, uint64_t *number, const char **rest)
{
	bool is_hex = text[0] == '0' && text[1] == 'x' && isxdigit((unsigned char)text[2]);
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*number = strtoull(text, &end, is_hex ? 16 : 10); /* as YAML 1.2 reads it: 010 is ten */
	*rest = end;
	return errno == 0;
}

bool number_parse(const char *text, uint64_t *number)
{
	const char *rest;

	return parse_prefix(text, number, &rest) && *rest == '\0';
}

bool size_parse(const char *text, uint64_t *bytes)
{
	const char *unit;
	uint64_t number;

	if (!parse_prefix(text, &number, &unit))
		return false;
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		if (strcmp(unit, UNITS[i].name) != 0)
			continue;
		*bytes = number << UNITS[i].shift;
		return *bytes >> UNITS[i].shift == number;
	}
	return false;
}

const char *size_format(uint64_t bytes, char text[SIZE_TEXT])
{
	size_t i = 0;

	while (UNITS[i].shift > 0 && (bytes == 0 || bytes & ((UINT64_C(1) << UNITS[i].shift) - 1)))
		i++;
	snprintf(text, SIZE_TEXT, "%" PRIu64 "%s", bytes >> UNITS[i].shift, UNITS[i].name);
	return text;
}

const char *size_round(uint64_t bytes, char text[SIZE_TEXT])
{
	bool large = bytes >= MIB;

	snprintf(text, SIZE_TEXT, "%" PRIu64 " %s", bytes / (large ? MIB : KIB),
		 large ? "MiB" : "KiB");
	return text;
}
