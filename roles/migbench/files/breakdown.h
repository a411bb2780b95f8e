/* SPDX-License-Identifier: MIT */
/* What the kernel counted of its own work in the timed region: the time of each phase, which way
 * the copies went, and the time the call would take with a CPU for each thread. The counters, in
 * /proc/vmstat, are those of the series for 6.12 of roles/kernel; they are the whole machine's. */
#ifndef BREAKDOWN_H
#define BREAKDOWN_H

struct trial;

/* Sets the metrics that the kernel tells, and the modelled ones where threads took turns:
 *
 *	modelled = elapsed - all threads + the longest thread of each copy
 *
 * (admin-guide/mm/migration_accel.rst of the series), which is the elapsed time itself where no
 * thread copied. elapsed_ns: of the timed region; bytes: moved in it. */
void breakdown_metrics(struct trial *trial, double elapsed_ns, double bytes);

/* A copy that should have been shared and was not, or a list that should have been a batch and
 * was not, is no trial of its mode. */
void breakdown_check(struct trial *trial);

#endif
