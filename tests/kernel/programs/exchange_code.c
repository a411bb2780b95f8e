// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <sys/mman.h>

#include "checks.h"
#include "exchange.h"
#include "kernel.h"
#include "require.h"

/* Set on arm64 if instruction caches have seen what is in a folio. */
#define KPF_ARCH 38

/* A function that returns a number of 16 bits. */
static void write_function(void *at, uint16_t number)
{
#if defined(__x86_64__)
	uint8_t code[] = {0xb8, number & 0xff, number >> 8, 0, 0, 0xc3}; /* mov, ret */
#elif defined(__aarch64__)
	uint32_t code[] = {0x52800000 | (uint32_t)number << 5, 0xd65f03c0}; /* movz, ret */
#elif defined(__powerpc64__)
	uint32_t code[] = {0x38600000 | number, 0x4e800020}; /* li, blr */
#endif

	memcpy(at, code, sizeof(code));
	__builtin___clear_cache(at, (char *)at + sizeof(code));
}

static int call_function(const void *at)
{
	int (*function)(void);

	memcpy(&function, &at, sizeof(at));
	return function();
}

/* The first and the last thing in each page of the region is a function. */
static char *function_of(const struct region *region, size_t number)
{
	char *page = region_page(region, number / 2);

	return number % 2 ? page + region->page_size - 16 : page;
}

static void functions_write(const struct region *region, unsigned first)
{
	MUST(mprotect(region->start, region_bytes(region), PROT_READ | PROT_WRITE) == 0);
	for (size_t i = 0; i < 2 * region->pages; i++)
		write_function(function_of(region, i), (uint16_t)(first + i));
	MUST(mprotect(region->start, region_bytes(region), PROT_READ | PROT_EXEC) == 0);
}

static void functions_check(const struct region *region, unsigned first)
{
	for (size_t i = 0; i < 2 * region->pages; i++) {
		int result = call_function(function_of(region, i));

		REQUIRE(result == (int)(first + i), "function %zu returned %d, not %zu", i, result,
			first + i);
	}
}

static unsigned marked(const struct region *region)
{
	unsigned count = 0;

	for (size_t i = 0; i < region->pages; i++)
		count += page_flags(region_page(region, i)) >> KPF_ARCH & 1;
	return count;
}

/*
 * Code changes places with other code, then with data. Prints how many pages of code were marked as
 * seen by instruction caches before that, and how many of data are after it.
 */
void check_exchange_code(const struct job *job)
{
	struct region code = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	struct region data = region_create(job->kind, job->pages, job->to, 3);
	unsigned before;

	functions_write(&code, 1);
	functions_write(&other, 1001);
	for (unsigned round = 0; round < job->rounds; round++) {
		exchange_all_of(&code, &other, job);
		functions_check(&code, 1);
		functions_check(&other, 1001);
	}
	before = marked(&code);
	exchange_all_of(&code, &data, job);
	functions_check(&code, 1);
	region_check(&data, 3);
	printf("code_marked=%u data_marked=%u", before, marked(&data));
	region_free(&code);
	region_free(&other);
	region_free(&data);
}
