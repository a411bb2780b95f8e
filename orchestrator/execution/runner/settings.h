/* SPDX-License-Identifier: MIT */
/* Sets, reads back and restores settings of a host.
 *
 * A value is recorded on disk before it is changed, so that it can be restored after a crash: in
 * BASE/settings.record for the host, in BASE/settings.trial for the trial that runs. A line of a
 * record: boot id, path, value before, requested value.
 *
 * Verdicts: "changed", "unchanged" (both: the requested value is set), "differs" (it would be
 * changed), "missing" (no such file), "refused" (the value did not change), "kept" (the same of an
 * optional setting, such as the affinity of an interrupt that cannot be moved), "clamped" (another
 * value was set), "conflicting" (another value was requested for the same file by its name as a
 * sysctl, see series_names.h; it is not changed), "drifted" (the value changed after it was set),
 * "written" (a file that acts when it is written, such as vm.compact_memory: it is not read back,
 * not recorded, and not restored).
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>

#include "text.h"

/* What became of settings. */
struct outcomes {
	struct text objects;  /* a line of JSON for each: path, before, asked, found, verdict */
	struct text failures; /* a sentence for each that does not have the requested value */
	bool unrecorded;      /* a record could not be read or written; failures says why */
};

void outcomes_clear(struct outcomes *outcomes);
void outcomes_free(struct outcomes *outcomes);

/* words: path, value and "required", "optional" or "off" (if the kernel has no such file, the
 * setting is off) for each of count settings. Paths of files may contain wildcards. */
void settings_apply(const char *record, char *const *words, size_t count,
		    struct outcomes *outcomes);
void settings_check(char *const *words, size_t count, struct outcomes *outcomes);

/* A setting that cannot be restored stays recorded. */
void settings_restore(const char *record, struct outcomes *outcomes);

/* Compares what is recorded with what is; of a path in both records the last line is used. */
void settings_diff(const char *record, const char *trial_record, struct outcomes *outcomes);

#endif
