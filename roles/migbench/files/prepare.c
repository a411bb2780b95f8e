// SPDX-License-Identifier: MIT
/* Choice of nodes, CPUs and memory, and checks before any memory is allocated. */
#include <sched.h>
#include <string.h>

#include "headroom.h"
#include "size.h"
#include "take_turns.h"
#include "trial.h"

static int choose_node(const struct topology *topology, int wanted, bool needs_cpu, int other)
{
	if (wanted != NODE_AUTO)
		return wanted;
	for (unsigned i = 0; i < topology->node_count; i++) {
		const struct node *node = &topology->nodes[i];

		if (node->total_bytes > 0 && node->id != other && (!needs_cpu || node->cpus.count))
			return node->id;
	}
	return NODE_AUTO;
}

static bool check_node(struct trial *trial, int id, const char *role)
{
	const struct node *node = topology_node(&trial->topology, id);

	if (!node || node->total_bytes == 0)
		return verdict_set(&trial->verdict, STATUS_UNSUPPORTED,
				   "%s node %d: no such node, or it has no memory", role, id);
	return true;
}

bool nodes_are_enough(const struct mode *mode, const struct topology *topology,
		      struct verdict *verdict)
{
	if (topology->memory_node_count >= 2)
		return true;
	return verdict_set(verdict, STATUS_UNSUPPORTED,
			   "mode %s requires two NUMA nodes with memory; this machine has %u",
			   mode->name, topology->memory_node_count);
}

static bool choose_nodes(struct trial *trial)
{
	const struct options *options = trial->options;
	bool moves = trial->mode->layout != LAYOUT_COPY;
	bool within_one = !moves && options->source_node != NODE_AUTO &&
			  options->source_node == options->target_node;

	if (!within_one && !nodes_are_enough(trial->mode, &trial->topology, &trial->verdict))
		return false;
	trial->source =
		choose_node(&trial->topology, options->source_node, true, options->target_node);
	if (trial->source == NODE_AUTO)
		trial->source =
			choose_node(&trial->topology, NODE_AUTO, false, options->target_node);
	trial->target = choose_node(&trial->topology, options->target_node, false, trial->source);
	if (!check_node(trial, trial->source, "source") ||
	    !check_node(trial, trial->target, "target"))
		return false;
	if (moves && trial->source == trial->target)
		return verdict_set(&trial->verdict, STATUS_UNSUPPORTED,
				   "source and target are both node %d", trial->source);
	return true;
}

/* The node whose CPUs run the calling threads. NULL: neither node has a CPU, so any CPU does. */
static const struct node *choose_cpu_node(const struct trial *trial)
{
	const struct node *source = topology_node(&trial->topology, trial->source);
	const struct node *target = topology_node(&trial->topology, trial->target);

	if (strcmp(trial->options->cpu_node, "source") == 0)
		return source;
	if (strcmp(trial->options->cpu_node, "target") == 0)
		return target;
	return source->cpus.count > 0 ? source : target->cpus.count > 0 ? target : NULL;
}

static bool choose_cpus(struct trial *trial)
{
	const struct node *node = choose_cpu_node(trial);
	int started_on = sched_getcpu();

	trial->cpus = node ? &node->cpus : &trial->topology.allowed;
	if (trial->cpus->count == 0)
		return verdict_set(&trial->verdict, STATUS_UNSUPPORTED,
				   "node %d has no CPU to run on", node ? node->id : trial->source);
	trial->caller_cpu = cpus_pick(trial->cpus, 0);
	if (!pin_to_cpu(trial->caller_cpu))
		return verdict_set(&trial->verdict, STATUS_FAILED, "cannot run on CPU %d",
				   trial->caller_cpu);
	if (started_on >= 0 && started_on != trial->caller_cpu)
		leave_mm_cpumask(started_on);
	if (trial->mode->features != 0 && !relax_affinity(trial->caller_cpu))
		return verdict_set(&trial->verdict, STATUS_FAILED,
				   "cannot restore the CPU affinity of the program");
	return true;
}

static bool choose_kernel_threads(struct trial *trial)
{
	const struct node *target = topology_node(&trial->topology, trial->target);
	unsigned kernel = dialect_threads(trial->dialect, &REAL_KERNEL, target->cpus.count);
	uint64_t wanted = trial->options->threads;

	/* One patch series divides by this count. */
	if (kernel == 0)
		return verdict_set(&trial->verdict, STATUS_UNSUPPORTED,
				   "this kernel would use 0 copy threads: node %d has %u CPUs",
				   trial->target, target->cpus.count);
	if (wanted != 0 && wanted != kernel)
		return verdict_set(&trial->verdict, STATUS_DISTURBED,
				   "the kernel is set to use %u copy threads on node %d, not %u",
				   kernel, trial->target, (unsigned)wanted);
	trial->threads = kernel;
	return true;
}

/* Without the knob nothing can be modelled for kernel threads. */
static bool choose_take_turns(struct trial *trial)
{
	const struct options *options = trial->options;

	trial->take_turns = take_turns_wanted(options->take_turns);
	if (!trial->take_turns || trial->dialect->take_turns_knob)
		return true;
	if (strcmp(options->take_turns, "yes") == 0)
		return verdict_set(
			&trial->verdict, STATUS_UNSUPPORTED,
			"--take-turns=yes requires " TAKE_TURNS_KNOB
			": root, debugfs, and a kernel with CONFIG_MIGRATION_ACCEL_DEBUG");
	trial->take_turns = !(trial->mode->features & FEATURE_THREADS);
	return true;
}

static bool choose_kernel_path(struct trial *trial)
{
	const struct options *options = trial->options;
	unsigned features = trial->mode->features;

	if (strcmp(options->dialect, "auto") != 0 &&
	    strcmp(options->dialect, trial->dialect->name) != 0)
		return verdict_set(&trial->verdict, STATUS_UNSUPPORTED,
				   "the dialect of this kernel is %s, not %s (%s)",
				   trial->dialect->name, options->dialect, trial->dialect_evidence);
	trial->selection.flags = MPOL_MF_MOVE;
	trial->threads =
		trial->mode->user_threads && options->threads ? (unsigned)options->threads : 1;
	if (features == 0)
		return true;
	if (!dialect_select(trial->dialect, &REAL_KERNEL, features, options->exchange_number,
			    &trial->selection, &trial->verdict))
		return false;
	return !(features & FEATURE_THREADS) || choose_kernel_threads(trial);
}

bool trial_prepare(struct trial *trial, const struct options *options, const struct mode *mode)
{
	trial->options = options;
	trial->mode = mode;
	trial->dialect = dialect_detect(&REAL_KERNEL, trial->dialect_evidence,
					sizeof(trial->dialect_evidence));
	if (!topology_read(&trial->topology))
		return verdict_set(&trial->verdict, STATUS_FAILED,
				   "cannot read the CPUs and nodes: is /proc mounted?");
	return choose_nodes(trial) && choose_kernel_path(trial) && choose_take_turns(trial) &&
	       page_size_choose(options->page_size, &trial->page_size, &trial->verdict) &&
	       memory_kind_choose(options->memory, trial->page_size, &trial->kind,
				  &trial->verdict) &&
	       choose_cpus(trial) && headroom_check(trial);
}

static bool is_used(const struct trial *trial, int cpu)
{
	for (unsigned i = 0; i < trial->threads && i < trial->cpus->count; i++)
		if (trial->cpus->ids[i] == cpu)
			return true;
	return false;
}

int trial_spare_cpu(const struct trial *trial, unsigned number)
{
	for (int on_target = 1; on_target >= 0; on_target--)
		for (unsigned i = 0; i < trial->topology.node_count; i++) {
			const struct node *node = &trial->topology.nodes[i];

			for (unsigned j = 0; j < node->cpus.count; j++)
				if ((node->id == trial->target) == on_target &&
				    !is_used(trial, node->cpus.ids[j]) && number-- == 0)
					return node->cpus.ids[j];
		}
	return -1;
}
