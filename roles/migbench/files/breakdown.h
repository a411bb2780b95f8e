/* SPDX-License-Identifier: MIT */
/* Metrics from the kernel's own counters over the timed region: time of each phase, how pages were
 * copied, and the modelled time of the call with one CPU per thread. The counters are those of
 * accel_counters.h. They are system-wide. */
#ifndef BREAKDOWN_H
#define BREAKDOWN_H

struct trial;

/* Sets the metrics of the kernel's counters. */
void breakdown_metrics(struct trial *trial);

/* If copy threads ran one by one, sets the modelled metrics:
 *
 *	modelled = elapsed - sum of all threads + longest thread of each copy
 *
 * (see admin-guide/mm/migration_accel.rst of the series). If no thread copied, modelled is equal to
 * elapsed. elapsed_ns and bytes are those of the timed region. */
void breakdown_modelled(struct trial *trial, double elapsed_ns, double bytes);

/* Checks that pages were copied as the mode requires: by threads, by DMA or as a batch. */
void breakdown_check(struct trial *trial);

#endif
