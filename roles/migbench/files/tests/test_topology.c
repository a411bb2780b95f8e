// SPDX-License-Identifier: MIT
#include "check.h"
#include "topology.h"

int main(void)
{
	struct topology topology;

	CHECK(topology_read(&topology));
	CHECK(topology.node_count >= 1 && topology.memory_node_count >= 1);
	CHECK(topology_node(&topology, topology.nodes[0].id) == &topology.nodes[0]);
	CHECK(!topology_node(&topology, MAX_NODES));
	/* Large blocks are also counted as small ones. */
	CHECK(node_free_in_blocks(0, 4096) >= node_free_in_blocks(0, 2097152));
	CHECK(topology.allowed.count > 0);
	topology_free(&topology);
	return 0;
}
