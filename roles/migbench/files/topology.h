/* SPDX-License-Identifier: MIT */
/* NUMA nodes of /sys/devices/system/node. */
#ifndef TOPOLOGY_H
#define TOPOLOGY_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "syscalls.h"

struct node {
	int id;
	uint64_t total_bytes, free_bytes;
	cpu_set_t cpus; /* in the affinity mask of this process */
	unsigned cpu_count;
};

struct topology {
	struct node *nodes;
	unsigned node_count;
	unsigned memory_node_count;
};

/* Without /sys/devices/system/node: one node 0 with all CPUs. */
bool topology_read(struct topology *topology);
void topology_free(struct topology *topology);

/* NULL if there is no such node. */
const struct node *topology_node(const struct topology *topology, int id);

/* Free memory of a node in buddy allocator blocks of at least block_bytes. */
uint64_t node_free_in_blocks(int id, uint64_t block_bytes);
uint64_t node_free_bytes(int id);

/* Parses a list such as "0-3,8". CPUs from CPU_SETSIZE on are ignored. */
bool cpu_list_parse(const char *text, cpu_set_t *cpus);

void topology_json(const struct topology *topology, struct json *json);

#endif
