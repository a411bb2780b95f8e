/* SPDX-License-Identifier: MIT */
/* Parameters of a check: arguments name=value. */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>

enum kind { KIND_BASE, KIND_THP, KIND_HUGETLB, KIND_SHMEM, KIND_BLOCK };
/* Bits of a mode; 0: serial. */
enum mode { MODE_PARALLEL = 1, MODE_CONCURRENT = 2, MODE_DMA = 4 };
#define MODE_COUNT 8
/* move_pages, mbind, or move_pages with a policy instead of the flag. */
enum interface { INTERFACE_MOVE_PAGES, INTERFACE_MBIND, INTERFACE_POLICY };

struct job {
	enum kind kind;
	size_t pages;
	unsigned mode;
	enum interface interface;
	bool all;	    /* MPOL_MF_MOVE_ALL */
	unsigned threads;   /* file threads */
	unsigned batch;	    /* file batch_folios */
	unsigned copy_node; /* file threads_node: 0 destination, 1 source */
	unsigned bounce;    /* file exchange_method: 0 words, 1 bounce_page */
	int channels;	    /* file offload/dma/channels, all for each copy; 0: one of two; -1:
			       unchanged */
	unsigned seed;	    /* of random numbers */
	unsigned rounds;
	unsigned seconds;
	unsigned helpers; /* number of other threads or processes */
	int from, to;
	unsigned free_kib; /* free memory left on a node */
	const char *cpus;  /* CPUs to take offline, such as "2,3" */
	const char *share; /* what concurrent threads share: "memory" or "nodes"; "fifo": real-time
			      hogs */
};

/* Missing arguments have defaults; an unknown name or value is an error. */
struct job job_parse(int words, char **word);

static inline bool job_has_threads(const struct job *job)
{
	return job->mode & MODE_PARALLEL;
}

static inline bool job_has_batches(const struct job *job)
{
	return job->mode & MODE_CONCURRENT;
}

static inline bool job_has_dma(const struct job *job)
{
	return job->mode & MODE_DMA;
}

#endif
