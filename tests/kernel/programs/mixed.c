// SPDX-License-Identifier: MIT
#include "checks.h"
#include "counters.h"
#include "kernel.h"
#include "memory.h"
#include "move.h"
#include "random.h"
#include "require.h"

#define MAX_CHANNELS 16

/* A region and the expected contents of its pages. */
struct model {
	struct region region;
	unsigned *seed; /* of each page */
};

struct mix {
	const struct job *job;
	struct model model[2];
	struct random random;
	unsigned writes;
};

static void check_pages(const struct model *model, size_t first, size_t pages)
{
	for (size_t i = first; i < first + pages; i++)
		pages_check(&model->region, i, 1, model->seed[i], 0);
}

static struct model model_create(enum kind kind, size_t pages, int node)
{
	struct model model = {.region = region_create(kind, pages, node, 0)};

	model.seed = calloc(pages, sizeof(*model.seed));
	MUST(model.seed);
	return model;
}

static void model_free(struct model *model)
{
	region_free(&model->region);
	free(model->seed);
}

static void write_some(struct mix *mix, struct model *model)
{
	size_t page = random_below(&mix->random, (unsigned)model->region.pages);

	model->seed[page] = ++mix->writes;
	pages_fill(&model->region, page, 1, model->seed[page]);
}

/* A job with random mode, interface, threads, batch and channels. */
static struct job random_job(struct mix *mix)
{
	struct job job = *mix->job;

	job.mode = random_below(&mix->random, MODE_COUNT);
	if (random_below(&mix->random, 2))
		job.mode |= MODE_DMA;
	job.interface = random_below(&mix->random, 2) ? INTERFACE_MOVE_PAGES : INTERFACE_MBIND;
	job.threads = 1 + random_below(&mix->random, 8);
	job.batch = 1 + random_below(&mix->random, 64);
	job.channels = random_below(&mix->random, 2)
			       ? 1 + (int)random_below(&mix->random, MAX_CHANNELS)
			       : 0;
	return job;
}

/* Moves part of the region to a random node. Some pages may already be there. */
static size_t move_part(struct mix *mix, struct model *model)
{
	struct job job = random_job(mix);
	size_t first = random_below(&mix->random, (unsigned)model->region.pages);
	size_t pages = 1 + random_below(&mix->random, (unsigned)(model->region.pages - first));
	int node = random_below(&mix->random, 2) ? job.to : job.from;
	struct region part = model->region;
	size_t there;

	part.start = region_page(&model->region, first);
	part.pages = pages;
	knobs_apply(&job);
	there = move_some_of(&part, node, &job);
	check_pages(model, first, pages);
	return there;
}

void check_mixed(const struct job *job)
{
	struct mix mix = {.job = job, .random = random_seeded(job->seed)};
	struct counters before;
	size_t moved = 0;

	mix.model[0] = model_create(KIND_BASE, 20 * job->pages, job->from);
	mix.model[1] = model_create(KIND_THP, job->pages, job->from);
	counters_read(&before);
	for (unsigned round = 0; round < job->rounds; round++) {
		struct model *model = &mix.model[random_below(&mix.random, 4) == 0];

		if (random_below(&mix.random, 3) == 0)
			write_some(&mix, model);
		moved += move_part(&mix, model);
	}
	for (unsigned i = 0; i < COUNT(mix.model); i++)
		check_pages(&mix.model[i], 0, mix.model[i].region.pages);
	printf("moved=%zu writes=%u", moved, mix.writes);
	counters_print_since(&before);
	for (unsigned i = 0; i < COUNT(mix.model); i++)
		model_free(&mix.model[i]);
}
