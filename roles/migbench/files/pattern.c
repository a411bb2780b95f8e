// SPDX-License-Identifier: MIT
#include "pattern.h"

/* Multiplying by an odd number maps each address to a unique word. */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define OFFSET UINT64_C(0x5851f42d4c957f2d)
#define STEP   (FACTOR * sizeof(uint64_t))

static uint64_t first_word(const void *origin)
{
	return (uint64_t)(uintptr_t)origin * FACTOR + OFFSET;
}

void pattern_fill(void *start, size_t bytes, const void *origin)
{
	uint64_t *words = start;
	uint64_t expected = first_word(origin);

	for (size_t i = 0; i < bytes / sizeof(*words); i++, expected += STEP)
		words[i] = expected;
}

static size_t count_bytes(uint64_t difference)
{
	size_t count = 0;

	for (; difference; difference >>= 8)
		count += (difference & 0xff) != 0;
	return count;
}

static size_t first_byte(const uint64_t *word, uint64_t expected)
{
	const unsigned char *have = (const unsigned char *)word;
	const unsigned char *want = (const unsigned char *)&expected;
	size_t byte = 0;

	while (byte < sizeof(*word) - 1 && have[byte] == want[byte])
		byte++;
	return byte;
}

size_t pattern_wrong_bytes(const void *start, size_t bytes, const void *origin, size_t *first_wrong)
{
	const uint64_t *words = start;
	uint64_t expected = first_word(origin);
	size_t wrong = 0;

	for (size_t i = 0; i < bytes / sizeof(*words); i++, expected += STEP) {
		if (words[i] == expected)
			continue;
		if (wrong == 0)
			*first_wrong = i * sizeof(*words) + first_byte(&words[i], expected);
		wrong += count_bytes(words[i] ^ expected);
	}
	return wrong;
}
