// SPDX-License-Identifier: MIT
#include "check.h"
#include "topology.h"

int main(void)
{
	struct topology topology;
	cpu_set_t cpus;

	CHECK(cpu_list_parse("0-3,8", &cpus));
	CHECK(CPU_COUNT(&cpus) == 5 && CPU_ISSET(3, &cpus) && CPU_ISSET(8, &cpus));
	CHECK(cpu_list_parse("", &cpus) && CPU_COUNT(&cpus) == 0);
	CHECK(cpu_list_parse("1022-9000", &cpus) && CPU_COUNT(&cpus) == 2);
	CHECK(!cpu_list_parse("1-", &cpus));
	CHECK(!cpu_list_parse("a", &cpus));
	CHECK(!cpu_list_parse("1 2", &cpus));

	CHECK(topology_read(&topology));
	CHECK(topology.node_count >= 1 && topology.memory_node_count >= 1);
	CHECK(topology_node(&topology, topology.nodes[0].id) == &topology.nodes[0]);
	CHECK(!topology_node(&topology, MAX_NODES));
	/* Large blocks are also counted as small ones. */
	CHECK(node_free_in_blocks(0, 4096) >= node_free_in_blocks(0, 2097152));
	topology_free(&topology);
	return 0;
}
