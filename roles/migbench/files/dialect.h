/* SPDX-License-Identifier: MIT */
/* Which page-migration ABI the running kernel speaks.
 *
 * The same names and bits meant different things over the years, so each dialect is a row of its
 * own in dialects/, found only by probes that change nothing. A row registers itself; the lowest
 * rank that detects itself wins. A kernel that can say what it speaks, in a file of
 * /sys/kernel/mm/migration_accel/, is asked first: its row will have rank 0 and take the flag
 * values from that file. */
#ifndef DIALECT_H
#define DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "verdict.h"

enum feature {
	FEATURE_THREADS = 1, /* several threads copy */
	FEATURE_BATCH = 2,   /* a whole list is unmapped, copied, remapped */
	FEATURE_DMA = 4,
	FEATURE_EXCHANGE = 8, /* the exchange_pages system call */
};

/* How a dialect is found. Tests put a made-up tree and made-up flags here. */
struct prober {
	const char *root; /* in front of each path; "" on a real machine */
	bool (*accepts_flag)(int flag);
};

/* A file that switches a way of copying on for the whole system: 1 on, 0 off. */
struct accel_switch {
	const char *path;
	unsigned features;
};

/* What the kernel tells of the channels that copies by DMA would use. */
struct dma {
	bool told;	    /* false: it tells nothing */
	unsigned channels;  /* all that could be used */
	const char *engine; /* name of their driver */
	bool software;	    /* they are threads of the kernel that stand in for an engine */
};

struct dialect {
	const char *name;
	const char *summary;
	unsigned rank;
	/* Says in how which evidence it found. May complete the row from what the kernel tells. */
	bool (*detect)(struct dialect *self, const struct prober *prober, char *how, size_t size);
	int flag_threads, flag_batch, flag_dma; /* of move_pages; 0: none */
	struct dma dma;
	const struct accel_switch *switches; /* NULL, or ends with a NULL path */
	const struct accel_switch *needs;    /* as switches: must be on before these features */
	const char *const *thread_knobs;     /* NULL, or files that set the thread count */
	/* The count the kernel then uses on a node with so many CPUs. NULL: as the knob says. */
	unsigned (*thread_count)(unsigned knob, unsigned node_cpus);
	const char *turns_knob;	  /* NULL, or the file that makes threads copy in turns */
	const char *phase_knob;	  /* NULL, or the file that switches the times of phases on */
	const char *const *knobs; /* NULL, or other files worth a line in the result */
	bool has_exchange;
	/* Of exchange_pages, where the kernel tells it; then its status and result are to be true.
	 */
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

/* What a mode must do to be carried out. */
struct selection {
	int flags;		 /* for move_pages or exchange_pages */
	long exchange_number;	 /* 0: the mode does not exchange */
	bool exchange_tells;	 /* status and result of exchange_pages are told truly */
	const char *switch_path; /* set by the experiment, checked here; NULL: by flags */
};

struct dialect *dialect_detect(const struct prober *prober, char *how, size_t size);

/* True if the kernel can carry out the features; false with the reason. The number of
 * exchange_pages counts where the kernel does not tell it; 0: not given. */
bool dialect_select(const struct dialect *dialect, const struct prober *prober, unsigned features,
		    uint64_t exchange_number, struct selection *selection, struct verdict *verdict);

/* Threads the kernel will use when the target node has node_cpus; 0: not known. */
unsigned dialect_threads(const struct dialect *dialect, const struct prober *prober,
			 unsigned node_cpus);

void dialect_json(const struct dialect *dialect, const struct prober *prober, const char *how,
		  struct json *json);

/* For the rows. */
bool probe_exists(const struct prober *prober, const char *path);
bool probe_number(const struct prober *prober, const char *path, uint64_t *number);
extern const struct prober REAL_KERNEL;

#endif
