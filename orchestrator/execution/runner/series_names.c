// SPDX-License-Identifier: MIT
#include "series_names.h"

#include <string.h>
#include <unistd.h>

#include "setting_value.h"

#define SYSCTL "/proc/sys/vm/"

/* zero and one: what the values 0 and 1 of the sysctl are called; NULL: the same. */
static const struct {
	const char *sysctl, *path, *zero, *one;
} NAMES[] = {
	{SYSCTL "limit_mt_num", SERIES_FOLDER "/threads", NULL, NULL},
	{SYSCTL "mt_copy_node", SERIES_FOLDER "/threads_node", "destination", "source"},
	{SYSCTL "mt_page_copy", SERIES_FOLDER "/policy/*", "none", "parallel"},
	{SYSCTL "concur_batch_folios", SERIES_FOLDER "/batch_folios", NULL, NULL},
	{SYSCTL "exchange_bounce_page", SERIES_FOLDER "/exchange_method", "words", "bounce_page"},
	{SYSCTL "limit_dma_chans", SERIES_FOLDER "/offload/dma/channels", NULL, NULL},
	{SYSCTL "use_all_dma_chans", SERIES_FOLDER "/offload/dma/all_channels", NULL, NULL},
	{SYSCTL "dma_copy_timeout_ms", SERIES_FOLDER "/offload/timeout_ms", NULL, NULL},
	{SYSCTL "mt_take_turns", SERIES_DEBUG_FOLDER "/take_turns", NULL, NULL},
	{SYSCTL "migrate_phase_times", SERIES_DEBUG_FOLDER "/phase_times", NULL, NULL},
};

bool to_series(const char **path, const char **value)
{
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++) {
		if (strcmp(*path, NAMES[i].sysctl) != 0)
			continue;
		if (access(*path, F_OK) == 0 || access(SERIES_FOLDER, F_OK) != 0)
			return false;
		*path = NAMES[i].path;
		if (NAMES[i].zero && setting_same(*value, "0"))
			*value = NAMES[i].zero;
		else if (NAMES[i].one && setting_same(*value, "1"))
			*value = NAMES[i].one;
		return true;
	}
	return false;
}
