// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "memory.h"
#include "require.h"

#define ABI_FILE "/sys/kernel/mm/migration_accel/abi"

const struct abi *kernel_abi(void)
{
	static struct abi abi;
	char line[128];
	FILE *file;

	if (abi.mt)
		return &abi;
	file = fopen(ABI_FILE, "re");
	MUST(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "MPOL_MF_MOVE_MT=%i", (int *)&abi.mt);
		sscanf(line, "MPOL_MF_MOVE_CONCUR=%i", (int *)&abi.concur);
		sscanf(line, "exchange_pages=%u", &abi.exchange_pages);
		sscanf(line, "MPOL_MF_MOVE_DMA=%i", (int *)&abi.dma);
	}
	fclose(file);
	REQUIRE(abi.mt && abi.concur && abi.dma && !(abi.mt & abi.concur) &&
			!((abi.mt | abi.concur) & abi.dma),
		ABI_FILE " does not have three distinct flags");
	return &abi;
}

void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0, "%s: %s", path, strerror(errno));
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "cannot write %s to %s: %s",
		text, path, strerror(errno));
	close(fd);
}

unsigned long file_number(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long value;

	REQUIRE(file && fscanf(file, "%lu", &value) == 1, "no number in %s", path);
	fclose(file);
	return value;
}

void knob_set(const char *name, unsigned value)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	snprintf(text, sizeof(text), "%u", value);
	file_write(path, text);
	REQUIRE(file_number(path) == value, "%s is not %u after setting it", path, value);
}

void knobs_apply(const struct job *job)
{
	char text[16];

	knob_set("limit_mt_num", job->threads);
	knob_set("concur_batch_folios", job->batch);
	knob_set("mt_copy_node", job->copy_node);
	knob_set("exchange_bounce_page", job->bounce);
	knob_set("mt_page_copy", job->interface == INTERFACE_SYSCTL && job_has_threads(job));
	if (!job_has_dma(job) || job->channels < 0)
		return;
	knob_set("use_all_dma_chans", job->channels > 0);
	/* Not read back: others may write it at the same time. */
	snprintf(text, sizeof(text), "%d", job->channels > 0 ? job->channels : 2);
	file_write("/proc/sys/vm/limit_dma_chans", text);
}

size_t smaps_bytes(const void *start, const char *name)
{
	unsigned long first, last, wanted = (unsigned long)start, kib;
	size_t length = strlen(name);
	bool inside = false;
	char line[256];
	FILE *file = fopen("/proc/self/smaps", "re");

	MUST(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			inside = first == wanted;
		else if (inside && strncmp(line, name, length) == 0 && line[length] == ':') {
			REQUIRE(sscanf(line + length + 1, "%lu", &kib) == 1, "smaps: %s", line);
			fclose(file);
			return kib << 10;
		}
	}
	FAIL("smaps has no %s for %p", name, start);
}

static uint64_t word_at(const char *path, uint64_t index)
{
	uint64_t word = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0, "%s: %s", path, strerror(errno));
	REQUIRE(pread(fd, &word, sizeof(word), (off_t)(index * sizeof(word))) == sizeof(word),
		"%s: %s", path, strerror(errno));
	close(fd);
	return word;
}

unsigned long page_frame(const void *address)
{
	uint64_t entry = word_at("/proc/self/pagemap", (uintptr_t)address / BASE_PAGE);

	/* Bit 63: present; bits 0-54: frame (Documentation/admin-guide/mm/pagemap.rst) */
	return entry >> 63 ? entry & ((UINT64_C(1) << 55) - 1) : 0;
}

unsigned long page_flags(const void *address)
{
	unsigned long frame = page_frame(address);

	return frame ? word_at("/proc/kpageflags", frame) : 0;
}
