// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "checks.h"
#include "exchange.h"
#include "kernel.h"
#include "move.h"
#include "require.h"

#define CORRUPT	     "/sys/kernel/debug/hwpoison/corrupt-pfn"
#define KPF_HWPOISON 19 /* include/uapi/linux/kernel-page-flags.h */
#define PATIENCE_MS  10000

struct exchanger {
	pthread_t thread;
	const struct job *job;
	struct region one, other;
	volatile bool stop;
};

static void *exchange_until_stopped(void *argument)
{
	struct exchanger *exchanger = argument;

	while (!exchanger->stop)
		free(exchange_regions(&exchanger->one, &exchanger->other, exchanger->job).status);
	return NULL;
}

/* Base pages whose frame has a memory error, and that are mapped nevertheless. */
static size_t poisoned_pages(const struct region *region)
{
	size_t found = 0;

	for (size_t at = 0; at < region_bytes(region); at += BASE_PAGE)
		found += page_flags(region->start + at) >> KPF_HWPOISON & 1;
	return found;
}

/* KiB of frames that the kernel counts as poisoned */
static unsigned long poisoned_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long kib;
	char line[128];

	MUST(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "HardwareCorrupted: %lu", &kib) == 1) {
			fclose(file);
			return kib;
		}
	}
	FAIL("/proc/meminfo has no HardwareCorrupted");
}

/* Memory errors hit frames of both sides while they are exchanged: no such frame stays mapped. */
void check_exchange_poison(const struct job *job)
{
	struct exchanger exchanger = {
		.job = job,
		.one = region_create(job->kind, job->pages, job->from, 1),
		.other = region_create(job->kind, job->pages, job->to, 2),
	};
	unsigned long *frames = frames_of(&exchanger.one);
	size_t base_pages = region_bytes(&exchanger.one) / BASE_PAGE, left = 0;
	int fd = open(CORRUPT, O_WRONLY | O_CLOEXEC);
	unsigned long before = poisoned_kib();
	char text[32];

	REQUIRE(fd >= 0, "%s: %s", CORRUPT, strerror(errno));
	MUST(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0) == 0);
	MUST(pthread_create(&exchanger.thread, NULL, exchange_until_stopped, &exchanger) == 0);
	for (unsigned round = 0; round < job->rounds; round++) {
		usleep(100000);
		snprintf(text, sizeof(text), "%lu", frames[(round * 2 + 1) * 37 % base_pages]);
		/* The result tells of the first attempt, which may come at a bad time. */
		(void)!write(fd, text, strlen(text));
	}
	exchanger.stop = true;
	pthread_join(exchanger.thread, NULL);
	for (unsigned waited = 0; waited < PATIENCE_MS; waited += 100) {
		left = poisoned_pages(&exchanger.one) + poisoned_pages(&exchanger.other);
		if (!left)
			break;
		usleep(100000);
	}
	printf("poisoned=%lu left=%zu", (poisoned_kib() - before) / 4, left);
	free(frames);
	region_free(&exchanger.one);
	region_free(&exchanger.other);
}
