// SPDX-License-Identifier: MIT
/* Regions, page lists and placement. One NUMA node is enough. */
#include <sys/mman.h>

#include "check.h"
#include "folios.h"
#include "options.h"
#include "placement.h"
#include "size.h"
#include "trial.h"

static void test_kinds(void)
{
	struct verdict verdict = {0};
	enum memory_kind kind;

	CHECK(memory_kind_choose("auto", base_page_size(), &kind, &verdict));
	CHECK(kind == MEMORY_BASE);
	CHECK(memory_kind_choose("auto", 2 * MIB, &kind, &verdict) && kind == MEMORY_THP);
	CHECK(memory_kind_choose("hugetlb", 2 * MIB, &kind, &verdict) && kind == MEMORY_HUGETLB);
	CHECK(memory_kind_choose("shmem", base_page_size(), &kind, &verdict));
	CHECK(kind == MEMORY_SHMEM);
	CHECK(verdict.status == STATUS_OK);
	CHECK(!memory_kind_choose("base", 2 * MIB, &kind, &verdict));
	CHECK(!memory_kind_choose("thp", base_page_size(), &kind, &verdict));
	CHECK(!memory_kind_choose("auto", 3 * base_page_size(), &kind, &verdict));
	CHECK(!memory_kind_choose("auto", base_page_size() / 2, &kind, &verdict));
	CHECK(verdict.status == STATUS_UNSUPPORTED);
}

static void test_page_size(void)
{
	struct verdict verdict = {0};
	uint64_t size;

	CHECK(page_size_choose(2 * MIB, &size, &verdict) && size == 2 * MIB);
	CHECK(page_size_choose(base_page_size() / 4, &size, &verdict) && size == base_page_size());
	CHECK(page_size_choose(PAGE_SIZE_BASE, &size, &verdict) && size == base_page_size());
	CHECK(page_size_choose(3 * KIB, &size, &verdict) && size == 3 * KIB);
	CHECK(verdict.status == STATUS_OK);
	if (page_size_choose(PAGE_SIZE_HUGE, &size, &verdict))
		CHECK(size > base_page_size() && size % base_page_size() == 0);
	else
		CHECK(verdict.status == STATUS_UNSUPPORTED);
}

static void test_region(enum memory_kind kind)
{
	struct region region = {.pages = 33, .page_size = base_page_size(), .kind = kind};
	struct placement placement = {0};
	struct verdict verdict = {0};
	struct folios folios;
	int nodes[33];

	CHECK(region_create(&region, &verdict));
	CHECK((uintptr_t)region.start % region.page_size == 0);
	CHECK(placement_query(&region, &placement, nodes));
	CHECK(placement.on_node[0] == 33 && placement.split == 0 && placement.unknown == 0);
	CHECK(nodes[0] == 0 && nodes[32] == 0);
	folios_count(&region, &folios);
	CHECK(folios.whole == 33 || strcmp(folios.source, "none") == 0);
	region_free(&region);
	CHECK(!region.mapping);
}

/* A page that is partly unmapped is on no node. */
static void test_partly_absent(void)
{
	struct region region = {.pages = 2, .page_size = 4 * base_page_size(), .kind = MEMORY_BASE};
	struct placement placement = {0};
	struct verdict verdict = {0};
	struct folios folios;
	int nodes[2];

	CHECK(region_create(&region, &verdict));
	CHECK(madvise(region.start + base_page_size(), base_page_size(), MADV_DONTNEED) == 0);
	CHECK(placement_query(&region, &placement, nodes));
	CHECK(placement.on_node[0] == 1 && placement.unknown == 1);
	CHECK(nodes[0] < 0 && nodes[1] == 0);
	folios_count(&region, &folios);
	CHECK(folios.whole == 0); /* base pages only */
	region_free(&region);
}

/* Regression: the lists had the addresses from before the regions were mapped. */
static void test_lists(void)
{
	struct options options = {0};
	struct trial trial = {.options = &options,
			      .page_size = base_page_size(),
			      .mode = mode_find("twoway", NULL)};
	struct pass pass;

	CHECK(pass_create(&pass, &trial, 5, &trial.verdict));
	CHECK(pass.region_count == 2);
	for (unsigned i = 0; i < 2; i++)
		for (uint64_t page = 0; page < 5; page++) {
			CHECK(pass.lists[i].addresses[page] == region_page(&pass.regions[i], page));
			CHECK(pass.lists[i].status[page] == STATUS_UNSET);
		}
	CHECK(pass_bytes(&pass, &trial) == 10 * base_page_size());
	pass_free(&pass);
}

int main(void)
{
	test_kinds();
	test_page_size();
	test_region(MEMORY_BASE);
	test_region(MEMORY_SHMEM);
	test_partly_absent();
	test_lists();
	return 0;
}
