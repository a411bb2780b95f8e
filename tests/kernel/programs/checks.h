/* SPDX-License-Identifier: MIT */
/* The checks, one file each. A check returns if it passes. Its caller evaluates what it prints. */
#ifndef CHECKS_H
#define CHECKS_H

#include "job.h"

/* Runs the job of each line of standard input. */
void for_each_line(void (*run)(const struct job *job, unsigned seed));

/* Runs one job per line of standard input: moves pages and verifies every byte and node. */
void check_cells(const struct job *job);
/* No write of other threads is lost during a migration. */
void check_writers(const struct job *job);
/* Pages shared by fork: moved for all processes, copied on write for each. */
void check_sharing(const struct job *job);
/* Processes fork, read and exit while pages are moved. */
void check_forks(const struct job *job);
/* Locked pages stay locked. */
void check_locked(const struct job *job);
/* Pages in the swap cache or swapped out. */
void check_swapped(const struct job *job);
/* Every other page is pinned and cannot be moved. */
void check_pinned(const struct job *job);
/* The target node has free memory for only some of the pages. */
void check_full(const struct job *job);
/* The target node is under memory pressure and swaps. */
void check_pressure(const struct job *job);
/* Several threads concurrently move the same pages, or different pages to the same node. */
void check_races(const struct job *job);
/* CPU hotplug while pages are moved. */
void check_hotplug(const struct job *job);
/* Fault injection: pages that are not moved stay intact. */
void check_faults(const struct job *job);
/* Moves random pages in random modes with writes in between, and verifies every byte. */
void check_mixed(const struct job *job);
/* Processes move and exchange the memory of others, which use it in many ways. */
void check_fuzz(const struct job *job);
/* Invalid flags are rejected. */
void check_refusals(const struct job *job);

/* Like cells, with exchange_pages. */
void check_exchange(const struct job *job);
/* Lists of random pairs, valid and invalid, compared with a model. */
void check_exchange_random(const struct job *job);
/* A pair that cannot be exchanged is not changed, and its status has the reason. */
void check_exchange_refusals(const struct job *job);
/* No write of other threads to either side is lost. */
void check_exchange_writers(const struct job *job);
/* Pages shared by fork: exchanged for all processes, copied on write for each. */
void check_exchange_sharing(const struct job *job);
/* Locked pages stay locked. The pages exchanged with them do not become locked. */
void check_exchange_locked(const struct job *job);
/* Exchanges on full nodes: no memory is allocated. */
void check_exchange_full(const struct job *job);
/* Fault injection: pairs that fail are not changed. */
void check_exchange_faults(const struct job *job);
/* Threads that concurrently exchange and move the same pages. */
void check_exchange_races(const struct job *job);
/* Memory errors are reported for frames that are being exchanged. */
void check_exchange_poison(const struct job *job);
/* Pages that can be neither exchanged nor put back: who reads them is killed, nobody sees others'
 * contents. */
void check_exchange_poison_back(const struct job *job);
/* Pages of code run after they were exchanged. */
void check_exchange_code(const struct job *job);

/* arm64: memory tags stay with the contents that move. */
void check_tags(const struct job *job);
/* arm64: pages with memory tags are not exchanged. */
void check_exchange_tags(const struct job *job);

/* Huge pages become partly mapped while they are moved or exchanged. */
void check_deferred(const struct job *job);
/* move_pages of a 32-bit caller. */
void check_compat(const struct job *job);
/* Compaction of a region with holes. */
void check_compaction(const struct job *job);
/* Memory follows the CPUs that use it. */
void check_balancing(const struct job *job);
/* How long moves take while the CPUs that could copy are busy. */
void check_busy(const struct job *job);

#endif
