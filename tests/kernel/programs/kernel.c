// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "memory.h"
#include "require.h"

#define FOLDER "/sys/kernel/mm/migration_accel/"

static unsigned number_of(const char *name)
{
	char path[128];
	unsigned number = 0;
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	file = fopen(path, "re");
	REQUIRE(file && fscanf(file, "%i", (int *)&number) == 1, "no number in %s", path);
	fclose(file);
	return number;
}

const struct abi *kernel_abi(void)
{
	static struct abi abi;

	if (abi.mt)
		return &abi;
	abi.mt = number_of("flags/parallel");
	abi.concur = number_of("flags/concurrent");
	abi.dma = number_of("flags/offload");
	abi.exchange_pages = number_of("exchange_pages");
	REQUIRE(abi.mt && abi.concur && abi.dma && !(abi.mt & abi.concur) &&
			!((abi.mt | abi.concur) & abi.dma),
		FOLDER "flags does not have three distinct flags");
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

static void read_back(const char *path, const char *wanted)
{
	char line[64] = "";
	FILE *file = fopen(path, "re");

	REQUIRE(file && fgets(line, sizeof(line), file), "cannot read %s", path);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	REQUIRE(strcmp(line, wanted) == 0, "%s is '%s' after writing '%s'", path, line, wanted);
}

void knob_word(const char *name, const char *word)
{
	char path[128];

	snprintf(path, sizeof(path), FOLDER "%s", name);
	file_write(path, word);
	read_back(path, word);
}

void knob_set(const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	knob_word(name, text);
}

void knobs_apply(const struct job *job)
{
	bool policy = job->interface == INTERFACE_POLICY && job_has_threads(job);
	char text[16];

	knob_set("threads", job->threads);
	knob_set("batch_folios", job->batch);
	knob_word("threads_node", job->copy_node ? "source" : "destination");
	knob_word("exchange_method", job->bounce ? "bounce_page" : "words");
	knob_word("policy/syscall_or_cpuset", policy ? "parallel" : "none");
	if (!job_has_dma(job) || job->channels < 0)
		return;
	knob_set("offload/dma/all_channels", job->channels > 0);
	/* Not read back: others may write it at the same time. */
	snprintf(text, sizeof(text), "%d", job->channels > 0 ? job->channels : 2);
	file_write(FOLDER "offload/dma/channels", text);
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
