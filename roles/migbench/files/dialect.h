/* SPDX-License-Identifier: MIT */
/* Dialects: the page-migration ABIs of the running kernel and of published patch series.
 *
 * The same names and bits had different meanings over the years. So each dialect has an entry of
 * its own in dialects/, which registers itself. Detection only reads and never changes a setting.
 * Entries are tried in the order of their rank, and the first that matches is used. Rank 0 is for
 * kernels that describe their ABI in /sys/kernel/mm/migration_accel/: flag values are read from
 * there. */
#ifndef DIALECT_H
#define DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "verdict.h"

enum feature {
	FEATURE_THREADS = 1,  /* copy with several kernel threads */
	FEATURE_BATCH = 2,    /* unmap, copy and remap a whole list at once */
	FEATURE_DMA = 4,      /* copy with a DMA engine */
	FEATURE_EXCHANGE = 8, /* the exchange_pages system call */
};

/* How to probe a kernel. Tests use a fake root and fake flags. */
struct prober {
	const char *root; /* prefix of each path; "" on a real machine */
	bool (*accepts_flag)(int flag);
};

/* A file that enables features for the whole system: 1 on, 0 off. */
struct accel_switch {
	const char *path;
	unsigned features;
};

/* The DMA channels that the kernel reports for page copies. */
struct dma {
	bool reported;	    /* false: the kernel reports nothing about DMA */
	unsigned channels;  /* usable ones */
	const char *engine; /* name of the driver */
	bool software;	    /* kernel threads that emulate an engine */
};

struct dialect {
	const char *name;
	const char *summary;
	unsigned rank;
	/* Writes what matched into evidence. May set fields of self from what the kernel reports.
	 */
	bool (*detect)(struct dialect *self, const struct prober *prober, char *evidence,
		       size_t size);
	int flag_threads, flag_batch, flag_dma; /* of move_pages; 0: none */
	struct dma dma;
	const struct accel_switch *switches; /* NULL, or ends with a NULL path */
	const struct accel_switch *needs;    /* like switches: required for these features */
	const char *const *thread_knobs;     /* NULL, or files that set the thread count */
	/* The thread count that the kernel uses on such a node. NULL: the value of the knob. */
	unsigned (*thread_count)(unsigned knob, unsigned node_cpus);
	const char *take_turns_knob; /* NULL, or the file that makes copy threads run one by one */
	const char *phase_knob;	     /* NULL, or the file that enables the phase times */
	const char *const *knobs;    /* NULL, or other files to report */
	bool has_exchange;
	/* System call number of exchange_pages, 0 if the kernel does not report it. A kernel that
	 * does also reports the status of each pair. */
	uint64_t exchange_number;
	struct dialect *next;
};

void dialect_register(struct dialect *dialect);

#define DIALECT(variable)                                                  \
	static struct dialect variable;                                    \
	__attribute__((constructor)) static void register_##variable(void) \
	{                                                                  \
		dialect_register(&variable);                               \
	}                                                                  \
	static struct dialect variable

/* How to run a mode on this kernel. */
struct selection {
	int flags;		      /* for move_pages or exchange_pages */
	long exchange_number;	      /* 0: the mode does not use exchange_pages */
	bool exchange_reports_status; /* exchange_pages reports the status of each pair */
	const char *switch_path;      /* must be on; the experiment sets it. NULL: flags are used */
};

struct dialect *dialect_detect(const struct prober *prober, char *evidence, size_t size);

/* True if the kernel supports the features. If not, the verdict has the reason. exchange_number is
 * for kernels that do not report the number themselves; 0: not given. */
bool dialect_select(const struct dialect *dialect, const struct prober *prober, unsigned features,
		    uint64_t exchange_number, struct selection *selection, struct verdict *verdict);

/* Copy threads that the kernel uses if the target node has node_cpus; 0: unknown. */
unsigned dialect_threads(const struct dialect *dialect, const struct prober *prober,
			 unsigned node_cpus);

void dialect_json(const struct dialect *dialect, const struct prober *prober, const char *evidence,
		  struct json *json);

/* Helpers for dialects/. */
bool probe_exists(const struct prober *prober, const char *path);
bool probe_number(const struct prober *prober, const char *path, uint64_t *number);
bool probe_text(const struct prober *prober, const char *path, char *text, size_t size);
extern const struct prober REAL_KERNEL;

#endif
