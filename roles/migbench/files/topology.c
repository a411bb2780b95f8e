// SPDX-License-Identifier: MIT
#include "topology.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "size.h"
#include "sysfs.h"

#define NODE_ROOT "/sys/devices/system/node"

static uint64_t node_memory(int id, const char *key)
{
	char path[64], text[4096];
	uint64_t kib = 0;

	snprintf(path, sizeof(path), NODE_ROOT "/node%d/meminfo", id);
	if (!read_text(path, text, sizeof(text)) || !find_number(text, key, &kib))
		return 0;
	return kib * KIB;
}

uint64_t node_free_bytes(int id)
{
	return node_memory(id, "MemFree:");
}

/* A line of /proc/buddyinfo: "Node 0, zone   Normal   1   2 ...", one count per order. */
static uint64_t buddy_line_bytes(const char *line, int id, uint64_t block_bytes)
{
	uint64_t order_bytes = (uint64_t)sysconf(_SC_PAGESIZE), bytes = 0;
	int node, used = 0;

	if (sscanf(line, "Node %d, zone %*s%n", &node, &used) != 1 || node != id || used == 0)
		return 0;
	for (const char *at = line + used;; order_bytes *= 2) {
		char *end;
		uint64_t blocks = strtoull(at, &end, 10);

		if (end == at)
			return bytes;
		if (order_bytes >= block_bytes)
			bytes += blocks * order_bytes;
		at = end;
	}
}

uint64_t node_free_in_blocks(int id, uint64_t block_bytes)
{
	char line[1024];
	uint64_t bytes = 0;
	FILE *file = fopen("/proc/buddyinfo", "re");

	if (!file)
		return node_free_bytes(id);
	while (fgets(line, sizeof(line), file))
		bytes += buddy_line_bytes(line, id, block_bytes);
	fclose(file);
	return bytes;
}

static void read_node(struct node *node, int id, const struct cpus *allowed)
{
	char path[64];

	*node = (struct node){.id = id};
	node->total_bytes = node_memory(id, "MemTotal:");
	node->free_bytes = node_free_bytes(id);
	snprintf(path, sizeof(path), NODE_ROOT "/node%d/cpulist", id);
	cpus_read(path, &node->cpus);
	cpus_filter(&node->cpus, allowed, true);
}

static void assume_single_node(struct topology *topology)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	topology->nodes[0] = (struct node){
		.total_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * page,
		.free_bytes = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * page,
	};
	cpus_allowed(&topology->nodes[0].cpus);
	topology->node_count = 1;
}

bool topology_read(struct topology *topology)
{
	struct cpus online;

	*topology = (struct topology){.nodes = calloc(MAX_NODES, sizeof(struct node))};
	if (!topology->nodes || !cpus_allowed(&topology->allowed))
		return false;
	cpus_read(NODE_ROOT "/online", &online);
	for (unsigned i = 0; i < online.count && online.ids[i] < MAX_NODES; i++)
		read_node(&topology->nodes[topology->node_count++], online.ids[i],
			  &topology->allowed);
	cpus_free(&online);
	if (topology->node_count == 0)
		assume_single_node(topology);
	for (unsigned i = 0; i < topology->node_count; i++)
		topology->memory_node_count += topology->nodes[i].total_bytes > 0;
	return true;
}

void topology_free(struct topology *topology)
{
	for (unsigned i = 0; i < topology->node_count; i++)
		cpus_free(&topology->nodes[i].cpus);
	cpus_free(&topology->allowed);
	free(topology->nodes);
	*topology = (struct topology){0};
}

const struct node *topology_node(const struct topology *topology, int id)
{
	for (unsigned i = 0; i < topology->node_count; i++)
		if (topology->nodes[i].id == id)
			return &topology->nodes[i];
	return NULL;
}

static void distances_json(int id, struct json *json)
{
	char path[64];
	char *text, *at, *end;

	snprintf(path, sizeof(path), NODE_ROOT "/node%d/distance", id);
	text = read_line(path, "");
	if (!text)
		return;
	at = text;
	json_array(json, "distances");
	for (long distance = strtol(at, &end, 10); end != at; distance = strtol(at, &end, 10)) {
		json_integer(json, NULL, distance);
		at = end;
	}
	json_end_array(json);
	free(text);
}

void topology_json(const struct topology *topology, struct json *json)
{
	json_array(json, "nodes");
	for (unsigned i = 0; i < topology->node_count; i++) {
		const struct node *node = &topology->nodes[i];

		json_object(json, NULL);
		json_integer(json, "id", node->id);
		json_array(json, "cpus");
		for (unsigned j = 0; j < node->cpus.count; j++)
			json_integer(json, NULL, node->cpus.ids[j]);
		json_end_array(json);
		json_unsigned(json, "memory_bytes", node->total_bytes);
		json_unsigned(json, "free_bytes", node->free_bytes);
		distances_json(node->id, json);
		json_end_object(json);
	}
	json_end_array(json);
}
