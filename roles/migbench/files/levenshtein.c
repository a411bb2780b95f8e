// SPDX-License-Identifier: MIT
#include "levenshtein.h"

#include <string.h>

#define MAX_LENGTH 64

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein distance of the first MAX_LENGTH characters, one row at a time. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[MAX_LENGTH + 1];
	size_t length_a = strnlen(a, MAX_LENGTH), length_b = strnlen(b, MAX_LENGTH);

	for (size_t j = 0; j <= length_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[length_b];
}

const char *nearest_name(const char *text, const char *const names[], size_t count)
{
	const char *nearest = "";
	size_t smallest = (size_t)-1;

	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(text, names[i]);

		if (distance < smallest) {
			smallest = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
