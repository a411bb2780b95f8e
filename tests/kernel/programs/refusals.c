// SPDX-License-Identifier: MIT
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checks.h"
#include "kernel.h"
#include "memory.h"
#include "move.h"
#include "require.h"

static long result_of_move(unsigned flags)
{
	long result = syscall(SYS_move_pages, 0, 0UL, NULL, NULL, NULL, flags);

	return result < 0 ? -errno : result;
}

static long result_of_mbind(const struct region *region, unsigned flags)
{
	unsigned long mask = 1;
	long result = syscall(SYS_mbind, region->start, region_bytes(region), MPOL_BIND, &mask,
			      8 * sizeof(mask), flags);

	return result < 0 ? -errno : result;
}

/* Flags that are neither mainline's nor told by the kernel are rejected. */
static void check_bits(const struct region *region)
{
	unsigned known = MPOL_MF_MOVE | MPOL_MF_MOVE_ALL | kernel_abi()->mt | kernel_abi()->concur |
			 kernel_abi()->dma;

	for (unsigned bit = 0; bit < 31; bit++) {
		unsigned flag = 1U << bit;
		long wanted = flag & known ? 0 : -EINVAL;

		REQUIRE(result_of_move(MPOL_MF_MOVE | flag) == wanted,
			"move_pages with bit %u returns %ld", bit,
			result_of_move(MPOL_MF_MOVE | flag));
		if (flag == MPOL_MF_STRICT)
			wanted = 0;
		/* MPOL_MF_LAZY has no implementation, but mbind accepts the flag. */
		if (flag == MPOL_MF_LAZY)
			continue;
		REQUIRE(result_of_mbind(region, MPOL_MF_MOVE | flag) == wanted,
			"mbind with bit %u returns %ld", bit,
			result_of_mbind(region, MPOL_MF_MOVE | flag));
	}
}

static void check_mbind_alone(const struct region *region)
{
	REQUIRE(result_of_mbind(region, kernel_abi()->mt) == -EINVAL, "mbind takes MT alone");
	REQUIRE(result_of_mbind(region, kernel_abi()->concur) == -EINVAL,
		"mbind takes CONCUR alone");
	REQUIRE(result_of_mbind(region, kernel_abi()->dma) == -EINVAL, "mbind takes DMA alone");
}

/* The status of a missing page, of a page already on the node and of an invalid node. */
static void check_statuses(const struct region *region, const struct job *job)
{
	void *pages[] = {region->start, region->start + region_bytes(region), region->start};
	int nodes[] = {job->to, job->to, 1000},
	    status[] = {STATUS_UNSET, STATUS_UNSET, STATUS_UNSET};
	unsigned flags = MPOL_MF_MOVE | kernel_abi()->mt | kernel_abi()->concur;

	REQUIRE(syscall(SYS_move_pages, 0, 2UL, pages, nodes, status, flags) == 0, "returned %s",
		strerror(errno));
	REQUIRE(status[0] == job->to && status[1] == -ENOENT, "status is %d, %d", status[0],
		status[1]);
	REQUIRE(syscall(SYS_move_pages, 0, 1UL, pages, nodes, status, flags) == 0 &&
			status[0] == job->to,
		"a page on its node: status %d", status[0]);
	REQUIRE(syscall(SYS_move_pages, 0, 1UL, pages, nodes + 2, status, flags) == -1 &&
			errno == ENODEV,
		"node 1000: %s", strerror(errno));
	REQUIRE(syscall(SYS_move_pages, 0, 1UL, pages, nodes, (int *)1, flags) == -1 &&
			errno == EFAULT,
		"bad status address: %s", strerror(errno));
}

void check_refusals(const struct job *job)
{
	struct region region = region_create(KIND_BASE, 4, job->from, 1);

	check_bits(&region);
	check_mbind_alone(&region);
	check_statuses(&region, job);
	region_check(&region, 1);
	region_free(&region);
}
