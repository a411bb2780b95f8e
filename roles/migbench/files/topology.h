/* SPDX-License-Identifier: MIT */
/* NUMA nodes as /sys/devices/system/node shows them. */
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
	cpu_set_t cpus; /* those this process may run on */
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

/* Free bytes of a node now, in blocks of at least block_bytes that the buddy allocator holds. */
uint64_t node_free_in_blocks(int id, uint64_t block_bytes);
uint64_t node_free_bytes(int id);

/* "0-3,8" into a set; CPUs that a cpu_set_t cannot hold are left out. */
bool cpu_list_parse(const char *text, cpu_set_t *cpus);

void topology_json(const struct topology *topology, struct json *json);

#endif
