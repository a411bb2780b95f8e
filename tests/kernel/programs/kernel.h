/* SPDX-License-Identifier: MIT */
/* The kernel's directory migration_accel, and per-page information. */
#ifndef KERNEL_H
#define KERNEL_H

#include "job.h"

struct abi {
	unsigned mt, concur;	 /* flags of move_pages, mbind and exchange_pages */
	unsigned dma;		 /* flag of move_pages and mbind */
	unsigned exchange_pages; /* system call number */
};

/* What the kernel says that a program must know. */
const struct abi *kernel_abi(void);

/* Write a file of the directory and read it back. */
void knob_set(const char *name, unsigned value);
void knob_word(const char *name, const char *word);
/* Sets all that the job asks for. */
void knobs_apply(const struct job *job);

/* Whether an exchange can swap words; ppc64 can only use the bounce page. */
static inline bool kernel_swaps_words(void)
{
#ifdef __powerpc64__
	return false;
#else
	return true;
#endif
}

void file_write(const char *path, const char *text);
unsigned long file_number(const char *path);

/* The value of a line "name: 123 kB" of the smaps entry at an address, in bytes. */
size_t smaps_bytes(const void *start, const char *name);

/* Page frame number of an address; 0: not present. */
unsigned long page_frame(const void *address);

/* Page flags of an address, as in linux/kernel-page-flags.h; 0: not present. */
unsigned long page_flags(const void *address);

#endif
