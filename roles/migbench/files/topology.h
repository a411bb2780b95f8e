/* SPDX-License-Identifier: MIT */
/* NUMA nodes of /sys/devices/system/node. */
#ifndef TOPOLOGY_H
#define TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "cpus.h"
#include "json.h"
#include "syscalls.h"

struct node {
	int id;
	uint64_t total_bytes, free_bytes;
	struct cpus cpus; /* in the affinity mask of this process */
};

struct topology {
	struct node *nodes;
	unsigned node_count;
	unsigned memory_node_count;
	struct cpus allowed; /* of this process */
};

/* Without /sys/devices/system/node: one node 0 with all CPUs. */
bool topology_read(struct topology *topology);
void topology_free(struct topology *topology);

/* NULL if there is no such node. */
const struct node *topology_node(const struct topology *topology, int id);

/* Free memory of a node in buddy allocator blocks of at least block_bytes. */
uint64_t node_free_in_blocks(int id, uint64_t block_bytes);
uint64_t node_free_bytes(int id);

void topology_json(const struct topology *topology, struct json *json);

#endif
