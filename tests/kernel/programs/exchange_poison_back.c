// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>

#include "checks.h"
#include "exchange.h"
#include "move.h"
#include "require.h"

struct reader {
	pthread_t thread;
	const struct region *region;
	unsigned seed;
	volatile bool stop;
};

static __thread sigjmp_buf after_sigbus;

static void on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(after_sigbus, 1);
}

/* How many base pages cannot be read any more; all others must have their contents. */
static size_t lost_pages(const struct region *region, unsigned seed)
{
	struct region base_pages = *region;
	volatile size_t lost = 0;

	base_pages.page_size = BASE_PAGE;
	base_pages.pages = region_bytes(region) / BASE_PAGE;
	for (volatile size_t i = 0; i < base_pages.pages; i++) {
		if (sigsetjmp(after_sigbus, 1))
			lost++;
		else
			pages_check(&base_pages, i, 1, seed, 0);
	}
	return lost;
}

static void *read_until_stopped(void *argument)
{
	struct reader *reader = argument;

	while (!reader->stop)
		lost_pages(reader->region, reader->seed);
	return NULL;
}

static void start_reader(struct reader *reader)
{
	MUST(pthread_create(&reader->thread, NULL, read_until_stopped, reader) == 0);
}

static void stop_reader(struct reader *reader)
{
	reader->stop = true;
	MUST(pthread_join(reader->thread, NULL) == 0);
}

void check_exchange_poison_back(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	struct reader readers[] = {{.region = &one, .seed = 1}, {.region = &other, .seed = 2}};
	size_t lost = 0;

	MUST(signal(SIGBUS, on_sigbus) != SIG_ERR);
	MUST(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0) == 0);
	for (size_t i = 0; i < COUNT(readers); i++)
		start_reader(&readers[i]);
	for (unsigned round = 0; round < job->rounds && !lost; round++) {
		free(exchange_regions(&one, &other, job).status);
		/* At once, before the kernel has dealt with the frames. */
		lost = lost_pages(&one, 1) + lost_pages(&other, 2);
	}
	for (size_t i = 0; i < COUNT(readers); i++)
		stop_reader(&readers[i]);
	printf("lost=%zu", lost);
	region_free(&one);
	region_free(&other);
}
