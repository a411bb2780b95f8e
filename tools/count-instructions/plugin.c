// SPDX-License-Identifier: MIT
// A TCG plugin of QEMU: writes the instructions that each long stay in the kernel executed, by
// address.
//
// A stay begins with the first kernel instruction after user code on a CPU and ends with the next
// user instruction there. A system call is one stay, with the interrupts that came meanwhile. A
// stay of at least `least` instructions is written to the file `out` as lines "ADDRESS
// INSTRUCTIONS", one for each block of translated code, and an empty line.
//
// usage: qemu-system-x86_64 -plugin PLUGIN.so,out=FILE,least=N …
// The CPUs of the guest must run in turn (-icount, or -accel tcg,thread=single): there are no locks
// here.

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The part of QEMU's plugin interface that is used here, in the version of QEMU 7.2. Debian 12 has
// no package with its header.
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef struct {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus;
		int max_vcpus;
	} system;
} qemu_info_t;
typedef void (*on_translation)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*on_execution)(unsigned int cpu, void *data);
enum { QEMU_PLUGIN_CB_NO_REGS };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, on_translation callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, on_execution callback,
					  int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { MAX_CPUS = 16 };

struct block {
	uint64_t address;
	uint64_t instructions;
	uint64_t executions[MAX_CPUS]; // in the present stay of each CPU
	struct block *next[MAX_CPUS];  // of those that were executed in it
};

static struct stay {
	bool active;
	uint64_t instructions;
	struct block *blocks;
} stays[MAX_CPUS];

static FILE *out;
static uint64_t least = 100000;

static void end_stay(unsigned int cpu)
{
	struct stay *stay = &stays[cpu];
	bool written = stay->instructions >= least;

	for (struct block *block = stay->blocks; block; block = block->next[cpu]) {
		if (written)
			fprintf(out, "%" PRIx64 " %" PRIu64 "\n", block->address,
				block->executions[cpu] * block->instructions);
		block->executions[cpu] = 0;
	}
	if (written) {
		fputc('\n', out);
		fflush(out); // QEMU may be killed
	}
	*stay = (struct stay){0};
}

static void executed_user(unsigned int cpu, void *data)
{
	(void)data;
	if (stays[cpu].active)
		end_stay(cpu);
}

static void executed_kernel(unsigned int cpu, void *data)
{
	struct block *block = data;
	struct stay *stay = &stays[cpu];

	if (!block->executions[cpu]++) {
		block->next[cpu] = stay->blocks;
		stay->blocks = block;
	}
	stay->instructions += block->instructions;
	stay->active = true;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	struct block *block;

	(void)id;
	if (!(address >> 63)) {
		qemu_plugin_register_vcpu_tb_exec_cb(tb, executed_user, QEMU_PLUGIN_CB_NO_REGS,
						     NULL);
		return;
	}
	block = calloc(1, sizeof(*block)); // as long as QEMU runs: a block may be translated again,
					   // as another one
	if (!block)
		abort();
	block->address = address;
	block->instructions = qemu_plugin_tb_n_insns(tb);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed_kernel, QEMU_PLUGIN_CB_NO_REGS, block);
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (!info->system_emulation || info->system.max_vcpus > MAX_CPUS) {
		fprintf(stderr, "plugin.c: not a machine of up to %d CPUs\n", MAX_CPUS);
		return 1;
	}
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4)) {
			out = fopen(argv[i] + 4, "w");
		} else if (!strncmp(argv[i], "least=", 6)) {
			least = strtoull(argv[i] + 6, NULL, 0);
		} else {
			fprintf(stderr, "plugin.c: unknown argument %s\n", argv[i]);
			return 1;
		}
	}
	if (!out) {
		perror("plugin.c: out=FILE");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
