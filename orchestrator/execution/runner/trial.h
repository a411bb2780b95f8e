/* SPDX-License-Identifier: MIT */
/* One trial: settings, idle CPUs, the program under its time limit, its lines of the journal. */
#ifndef TRIAL_H
#define TRIAL_H

#include <stdbool.h>

#include "journal.h"
#include "kernel_log.h"
#include "settings.h"
#include "signals.h"

/* What trials of a block need. */
struct host {
	const char *base, *block;
	char *record; /* of the settings of a trial: BASE/settings.trial */
	int group_file;
	struct journal journal;
	struct kernel_log kernel_log;
	struct signals signals;
	struct outcomes outcomes;
	struct text fault; /* why no further trial can be run; empty: they can */
};

/* A line of the file "trials", see trial_file.py: ID LIMIT TAG FOLDER SETTLE COUNT [PATH VALUE
 * KIND]… ARGV…. */
struct trial {
	const char *id, *tag, *folder;
	double limit, settle; /* seconds */
	char **settings, **argv;
	size_t settings_count;
};

/* False if a line is none; the words stay in use. */
bool trial_read(struct trial *trial, char **words, size_t count);

/* Runs a trial. False if the block ends with it, see fault: the journal or a record cannot be
 * written, or settings could not be restored. No line is written of a trial that was stopped, or
 * that could not be run because of a record: it will run again. */
bool trial_run(const struct trial *trial, struct host *host);

#endif
