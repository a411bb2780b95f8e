// SPDX-License-Identifier: MIT
#include "settle.h"

#include <stdint.h>
#include <stdlib.h>

#include "snapshot.h"
#include "uptime.h"

/* Whether each CPU worked at most so many ticks (1/100 s). */
static bool is_quiet(int milliseconds, uint64_t ticks, struct signals *signals)
{
	struct cpu_ticks *before, *after;
	size_t count = cpu_ticks_read(&HOST_PLACES, &before), now;
	double until = seconds_since_boot() + milliseconds / 1e3;
	bool quiet = true;

	while (!signals->stopping && seconds_since_boot() < until)
		signals_wait(signals, (int)((until - seconds_since_boot()) * 1e3) + 1);
	now = cpu_ticks_read(&HOST_PLACES, &after);
	for (size_t i = 1; i < count && i < now; i++) /* the first is the sum */
		quiet = quiet && after[i].worked - before[i].worked <= ticks;
	free(before);
	free(after);
	return quiet;
}

bool settle(double limit, double *waited, struct signals *signals)
{
	static bool was_quiet;
	double start = seconds_since_boot();
	bool settled = true;

	*waited = 0;
	if (limit <= 0)
		return true;
	while (!signals->stopping) {
		if (was_quiet ? is_quiet(100, 1, signals) : is_quiet(1000, 2, signals)) {
			was_quiet = true;
			break;
		}
		if (seconds_since_boot() - start >= limit) {
			settled = false;
			break;
		}
	}
	*waited = seconds_since_boot() - start;
	return settled;
}
