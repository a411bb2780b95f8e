// SPDX-License-Identifier: MIT
#include "fuzz.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"
#include "counters.h"
#include "memory.h"
#include "require.h"

#define MOVERS	     3
#define PRESSURE_MIN ((size_t)32 << 20)
#define PRESSURE_MAX ((size_t)128 << 20)

typedef void (*fuzz_process)(struct fuzz *fuzz, const struct job *job, unsigned index);

/* Uses much memory for a while, so that the kernel reclaims and compacts. */
static void fuzz_pressure(struct fuzz *fuzz, const struct job *job, unsigned index)
{
	struct random random = random_seeded(job->seed * 100 + 30 + index);

	while (!fuzz->stop) {
		size_t bytes = PRESSURE_MIN +
			       random_below(&random, (unsigned)(PRESSURE_MAX - PRESSURE_MIN));
		char *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

		MUST(start != MAP_FAILED);
		if (random_below(&random, 2))
			madvise(start, bytes, MADV_HUGEPAGE);
		for (size_t at = 0; at < bytes && !fuzz->stop; at += BASE_PAGE)
			start[at] = 1;
		usleep(random_below(&random, 300000));
		munmap(start, bytes);
	}
}

static pid_t start(fuzz_process run, struct fuzz *fuzz, const struct job *job, unsigned index)
{
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(fuzz, job, index);
	_exit(0);
}

/* Whether a process has ended with a failure. */
static bool has_failed(int status)
{
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/*
 * Processes own memory of many kinds, use it and know what must be in it. Others move and exchange
 * it meanwhile, and one changes the kernel's settings. Ends after some seconds, or when one fails.
 */
void check_fuzz(const struct job *job)
{
	static const struct {
		fuzz_process run;
		unsigned count;
	} KINDS[] = {
		{fuzz_owner, FUZZ_OWNERS},
		{fuzz_mover, MOVERS},
		{fuzz_settings, 1},
		{fuzz_pressure, 1},
	};
	struct fuzz *fuzz = mmap(NULL, sizeof(*fuzz), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct counters before;
	unsigned running = 0;
	bool failed = false;
	int status;

	MUST(fuzz != MAP_FAILED);
	counters_read(&before);
	for (unsigned kind = 0; kind < COUNT(KINDS); kind++)
		for (unsigned i = 0; i < KINDS[kind].count; i++, running++)
			start(KINDS[kind].run, fuzz, job, i);
	for (unsigned second = 0; second < job->seconds && !failed; second++) {
		sleep(1);
		if (waitpid(-1, &status, WNOHANG) > 0) {
			running--;
			failed = true;
		}
	}
	fuzz->stop = true;
	for (; running; running--) {
		MUST(waitpid(-1, &status, 0) > 0);
		failed |= has_failed(status);
	}
	REQUIRE(!failed, "a process has failed");
	printf("operations=%lu moved=%lu exchanged=%lu refused=%lu settings=%lu", fuzz->operations,
	       fuzz->moved, fuzz->exchanged, fuzz->refused, fuzz->settings);
	counters_print_since(&before);
	MUST(munmap(fuzz, sizeof(*fuzz)) == 0);
}
