// SPDX-License-Identifier: MIT
#include "check.h"
#include "pattern.h"

#define PAGE  4096
#define PAGES 300 /* more than one byte per page can distinguish */

static char memory[PAGES * PAGE] __attribute__((aligned(PAGE)));
static char other[PAGES * PAGE] __attribute__((aligned(PAGE)));

static size_t wrong(size_t *first)
{
	return pattern_wrong_bytes(memory, sizeof(memory), memory, first);
}

static void swap_pages(size_t a, size_t b)
{
	char page[PAGE];

	memcpy(page, memory + a * PAGE, PAGE);
	memcpy(memory + a * PAGE, memory + b * PAGE, PAGE);
	memcpy(memory + b * PAGE, page, PAGE);
}

int main(void)
{
	size_t first = 0;

	CHECK(wrong(&first) > sizeof(memory) / 2); /* zeroes do not match */

	pattern_fill(memory, sizeof(memory), memory);
	CHECK(wrong(&first) == 0);

	/* Only the last byte of a page. */
	memory[7 * PAGE - 1] ^= 1;
	CHECK(wrong(&first) == 1);
	CHECK(first == 7 * PAGE - 1);
	memory[7 * PAGE - 1] ^= 1;

	/* Two pages swapped, 256 apart. */
	swap_pages(3, 259);
	CHECK(wrong(&first) > PAGE);
	CHECK(first / PAGE == 3);
	swap_pages(3, 259);
	CHECK(wrong(&first) == 0);

	/* A copy has the pattern of its origin, not that of its own address. */
	memcpy(other, memory, sizeof(other));
	CHECK(pattern_wrong_bytes(other, sizeof(other), memory, &first) == 0);
	CHECK(pattern_wrong_bytes(other, sizeof(other), other, &first) > 0);
	return 0;
}
