/* SPDX-License-Identifier: MIT */
/* Files through which the kernel says what it speaks and does. */
#ifndef KERNEL_H
#define KERNEL_H

#include "job.h"

struct abi {
	unsigned mt, concur;	 /* flags of move_pages, mbind and exchange_pages */
	unsigned dma;		 /* flag of move_pages and mbind */
	unsigned exchange_pages; /* its number */
};

/* The values of the flags from the kernel's own file. */
const struct abi *kernel_abi(void);

/* Sets a knob in /proc/sys/vm and reads it back. */
void knob_set(const char *name, unsigned value);
/* All knobs of the series as the job wants them. */
void knobs_apply(const struct job *job);

void file_write(const char *path, const char *text);
unsigned long file_number(const char *path);

/* A line "name: 123 kB" of the smaps entry that begins at an address; in bytes. */
size_t smaps_bytes(const void *start, const char *name);

/* Number of the page frame behind an address; 0: not present. */
unsigned long page_frame(const void *address);

/* Flags of the folio behind an address, as in linux/kernel-page-flags.h; 0: not present. */
unsigned long page_flags(const void *address);

#endif
