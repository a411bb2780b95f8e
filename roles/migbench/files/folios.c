// SPDX-License-Identifier: MIT
#include "folios.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "size.h"
#include "sysfs.h"

#define BATCH 512

/* /proc/self/pagemap, an entry of 64 bits per base page. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_PFN	((UINT64_C(1) << 55) - 1)

/* /proc/kpageflags, a word of 64 bits per frame. */
#define KPF_HEAD (UINT64_C(1) << 15)
#define KPF_TAIL (UINT64_C(1) << 16)

struct page_files {
	int pagemap, kpageflags;
};

static bool read_words(int fd, uint64_t index, uint64_t *words, uint64_t count)
{
	size_t bytes = count * sizeof(*words);

	return pread(fd, words, bytes, (off_t)(index * sizeof(*words))) == (ssize_t)bytes;
}

/* The first frame of count base pages from index first on; false if they are not contiguous. */
static bool frames_contiguous(int pagemap, uint64_t first, uint64_t count, uint64_t *frame)
{
	uint64_t entries[BATCH];

	for (uint64_t done = 0; done < count; done += BATCH) {
		uint64_t part = count - done < BATCH ? count - done : BATCH;

		if (!read_words(pagemap, first + done, entries, part))
			return false;
		if (done == 0)
			*frame = entries[0] & PAGEMAP_PFN;
		for (uint64_t i = 0; i < part; i++)
			if (!(entries[i] & PAGEMAP_PRESENT) ||
			    (entries[i] & PAGEMAP_PFN) != *frame + done + i)
				return false;
	}
	return *frame != 0;
}

/* True if the frames are one folio that starts at frame and ends with the last of them. */
static bool is_one_folio(int kpageflags, uint64_t frame, uint64_t count)
{
	uint64_t flags[BATCH], after = 0;

	for (uint64_t done = 0; done < count; done += BATCH) {
		uint64_t part = count - done < BATCH ? count - done : BATCH;

		if (!read_words(kpageflags, frame + done, flags, part))
			return false;
		for (uint64_t i = 0; i < part; i++) {
			uint64_t wanted = count == 1 ? 0 : done + i == 0 ? KPF_HEAD : KPF_TAIL;

			if ((flags[i] & (KPF_HEAD | KPF_TAIL)) != wanted)
				return false;
		}
	}
	/* There is no next frame after the last one of the machine. */
	return !read_words(kpageflags, frame + count, &after, 1) || !(after & KPF_TAIL);
}

static bool frames_are_visible(const struct region *region, int pagemap)
{
	uint64_t entry;

	return read_words(pagemap, (uintptr_t)region->start / base_page_size(), &entry, 1) &&
	       (entry & PAGEMAP_PFN) != 0;
}

static void count_by_kpageflags(const struct region *region, const struct page_files *files,
				struct folios *folios)
{
	uint64_t per_page = region->page_size / base_page_size(), frame = 0;

	folios->source = "kpageflags";
	for (uint64_t page = 0; page < region->pages; page++) {
		uint64_t first = (uintptr_t)region_page(region, page) / base_page_size();

		if (frames_contiguous(files->pagemap, first, per_page, &frame) &&
		    is_one_folio(files->kpageflags, frame, per_page))
			folios->whole++;
	}
}

/* smaps reports PMD-mapped bytes. They prove huge pages of that size only. */
static void count_by_smaps(const struct region *region, struct folios *folios)
{
	const char *key = region->kind == MEMORY_SHMEM ? "ShmemPmdMapped:" : "AnonHugePages:";
	uint64_t start, end, kib, bytes = 0, pmd_size;
	bool inside = false;
	char line[512];
	FILE *file = fopen("/proc/self/smaps", "re");

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
			inside = start >= (uintptr_t)region->start &&
				 end <= (uintptr_t)region->start + region_bytes(region);
		else if (inside && strncmp(line, key, strlen(key)) == 0 &&
			 find_number(line, key, &kib))
			bytes += kib * KIB;
	}
	fclose(file);
	if (!region_is_huge(region)) {
		folios->whole = bytes == 0 ? region->pages : 0;
		folios->source = "smaps";
	} else if (read_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", &pmd_size) &&
		   pmd_size == region->page_size) {
		folios->whole = bytes / pmd_size;
		folios->source = "smaps";
	}
}

void folios_count(const struct region *region, struct folios *folios)
{
	struct page_files files = {
		.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
		.kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC),
	};

	*folios = (struct folios){.source = "none"};
	if (files.pagemap >= 0 && files.kpageflags >= 0 &&
	    frames_are_visible(region, files.pagemap))
		count_by_kpageflags(region, &files, folios);
	else if (region->kind == MEMORY_HUGETLB)
		*folios = (struct folios){.whole = region->pages, .source = "mapping"};
	else
		count_by_smaps(region, folios);
	if (files.pagemap >= 0)
		close(files.pagemap);
	if (files.kpageflags >= 0)
		close(files.kpageflags);
}
