/* SPDX-License-Identifier: MIT */
/* What a check is asked to do: words of the form name=value. */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>

enum kind { KIND_BASE, KIND_THP, KIND_HUGETLB, KIND_SHMEM, KIND_BLOCK };
/* Bits of a mode; none: serial. */
enum mode { MODE_PARALLEL = 1, MODE_CONCURRENT = 2, MODE_DMA = 4 };
#define MODE_COUNT 8
/* Flags of move_pages, flags of mbind, or move_pages with vm.mt_page_copy instead of its flag. */
enum way { WAY_MOVE_PAGES, WAY_MBIND, WAY_SYSCTL };

struct job {
	enum kind kind;
	size_t pages;
	unsigned mode;
	enum way way;
	bool all;	    /* pages of other processes, too */
	unsigned threads;   /* vm.limit_mt_num */
	unsigned batch;	    /* vm.concur_batch_folios */
	unsigned copy_node; /* vm.mt_copy_node */
	unsigned bounce;    /* vm.exchange_bounce_page */
	int channels;  /* vm.limit_dma_chans with all held; 0: one for each call; -1: as it is */
	unsigned seed; /* of what is random */
	unsigned rounds;
	unsigned helpers; /* other threads or processes that the check starts */
	int from, to;
	unsigned room;	   /* KiB that are left free on a node */
	const char *cpus;  /* to be taken offline, with commas */
	const char *share; /* what rivals share: "memory" or "nodes" */
};

/* Words that are left out get their defaults; an unknown word or value ends the program. */
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
