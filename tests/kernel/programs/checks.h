/* SPDX-License-Identifier: MIT */
/* The checks, one file each. A check returns if all holds; what it prints is for its caller to
 * judge. */
#ifndef CHECKS_H
#define CHECKS_H

#include "job.h"

/* One line of standard input is one job: pages move, and every byte and node is right. */
void check_cells(const struct job *job);
/* Other threads write all the time: no write is lost. */
void check_writers(const struct job *job);
/* Pages shared by fork: moved for all, copied on write for each. */
void check_sharing(const struct job *job);
/* Processes fork, read and end while pages move. */
void check_forks(const struct job *job);
/* Locked pages stay locked. */
void check_locked(const struct job *job);
/* Pages that are in the swap cache, or swapped out. */
void check_swapped(const struct job *job);
/* Every other page cannot move, as somebody holds it. */
void check_pinned(const struct job *job);
/* The node that pages are to go to has room for some of them. */
void check_full(const struct job *job);
/* The node that pages are to go to is short of memory and swaps. */
void check_pressure(const struct job *job);
/* Several threads move at once: the same pages, or pages of their own to the same node. */
void check_rivals(const struct job *job);
/* CPUs go and come while pages move. */
void check_hotplug(const struct job *job);
/* The kernel is made to fail: what does not move stays whole. */
void check_faults(const struct job *job);
/* Flags and knobs that make no sense are refused. */
void check_refusals(const struct job *job);

#endif
