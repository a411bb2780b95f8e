// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "require.h"

#define ACCEL	"/sys/kernel/mm/migration_accel/"
#define DEBUG	"/sys/kernel/debug/migration_accel/"
#define SOFTDMA "/sys/module/softdma/parameters/"
#define KSM	"/sys/kernel/mm/ksm/"
#define POLICY	"none|parallel|concurrent|parallel concurrent|parallel concurrent offload|offload"

/* A file, what is written to it, separated by "|", and what at the end; NULL: nothing. */
static const struct setting {
	const char *path, *values, *normal;
} SETTINGS[] = {
	{ACCEL "threads", "1|2|3|4|8|10", "8"},
	{ACCEL "threads_node", "source|destination", "destination"},
	{ACCEL "batch_folios", "1|2|3|8|64|600", "512"},
	{ACCEL "exchange_method", "words|bounce_page", "bounce_page"},
	{ACCEL "policy/compaction", POLICY, "none"},
	{ACCEL "policy/memory_failure", POLICY, "none"},
	{ACCEL "policy/syscall_or_cpuset", POLICY, "none"},
	{ACCEL "policy/mempolicy_mbind", POLICY, "none"},
	{ACCEL "policy/numa_misplaced", POLICY, "none"},
	{ACCEL "policy/demotion", POLICY, "none"},
	{ACCEL "offload/provider", "dma|shuffle|none", "dma"},
	{ACCEL "offload/timeout_ms", "10|50|200", "5000"},
	{ACCEL "offload/dma/channels", "0|1|2|4|16", "0"},
	{ACCEL "offload/dma/all_channels", "0|1", "0"},
	{DEBUG "take_turns", "0|1", "0"},
	{DEBUG "phase_times", "0|1", "0"},
	{SOFTDMA "fail_every", "0|2|5|20", "0"},
	{SOFTDMA "refuse_every", "0|2|5|20", "0"},
	{SOFTDMA "lose_every", "0|0|20|50", "0"},
	{SOFTDMA "lose_ms", "100|400", "100"},
	{SOFTDMA "delay_us", "0|100|3000", "0"},
	{KSM "run", "0|1|2", "2"},
	{KSM "sleep_millisecs", "20", "20"},
	{"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled", "madvise|never", "never"},
	{"/proc/sys/vm/compact_memory", "1", NULL},
	{"/proc/sys/vm/drop_caches", "1|2|3", NULL},
	{"/sys/kernel/debug/split_huge_pages", "1", NULL},
	{"/sys/devices/system/cpu/cpu1/online", "0|1|1", "1"},
	{"/sys/devices/system/cpu/cpu2/online", "0|1|1", "1"},
};

/* Without the file, such as that of a module that is not there, or with a value that this kernel
 * does not take, nothing happens. */
static bool write_setting(const char *path, const char *value, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, value, length) == (ssize_t)length;
	close(fd);
	return written;
}

static bool write_random_value(const struct setting *setting, struct random *random)
{
	unsigned count = 1;
	const char *value = setting->values;

	for (const char *at = value; *at; at++)
		count += *at == '|';
	for (unsigned skip = random_below(random, count); skip; skip--)
		value = strchr(value, '|') + 1;
	return write_setting(setting->path, value, strcspn(value, "|"));
}

void fuzz_settings(struct fuzz *fuzz, const struct job *job, unsigned index)
{
	struct random random = random_seeded(job->seed * 100 + 20 + index);

	while (!fuzz->stop) {
		usleep(20000 + random_below(&random, 80000));
		fuzz->settings += write_random_value(
			&SETTINGS[random_below(&random, COUNT(SETTINGS))], &random);
	}
	for (unsigned i = 0; i < COUNT(SETTINGS); i++)
		if (SETTINGS[i].normal)
			write_setting(SETTINGS[i].path, SETTINGS[i].normal,
				      strlen(SETTINGS[i].normal));
}
