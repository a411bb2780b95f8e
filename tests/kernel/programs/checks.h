/* SPDX-License-Identifier: MIT */
/* The checks, one file each. A check returns if all holds; what it prints is for its caller to
 * judge. */
#ifndef CHECKS_H
#define CHECKS_H

#include "job.h"

/* Runs the job of each line of standard input. */
void for_each_line(void (*run)(const struct job *job, unsigned seed));

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
/* Random pages move in random modes, and are written now and then: none loses a byte. */
void check_mixed(const struct job *job);
/* Flags and knobs that make no sense are refused. */
void check_refusals(const struct job *job);

/* As cells, but pages change places. */
void check_exchange(const struct job *job);
/* Lists of random pairs, good ones and bad ones, against a model. */
void check_exchange_random(const struct job *job);
/* Each pair that cannot be exchanged is left as it was, and says why. */
void check_exchange_refusals(const struct job *job);
/* Other threads write to both sides all the time: no write is lost. */
void check_exchange_writers(const struct job *job);
/* Pages shared by fork change places for all, and are copied on write for each. */
void check_exchange_sharing(const struct job *job);
/* Locked pages stay locked, those that take their place do not become so. */
void check_exchange_locked(const struct job *job);
/* No memory is free, and none is needed. */
void check_exchange_full(const struct job *job);
/* With faults injected from outside: all pairs that fail are as they were. */
void check_exchange_faults(const struct job *job);
/* Threads that exchange and move the same pages. */
void check_exchange_rivals(const struct job *job);

#endif
