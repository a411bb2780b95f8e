// SPDX-License-Identifier: MIT
#include "settle.h"

#include <stdint.h>
#include <stdlib.h>

#include "snapshot.h"
#include "uptime.h"

#define PATIENCE_SECONDS 3 /* before one says who is busy */

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

void settle(double limit, struct wait *wait, struct signals *signals,
	    void (*still_waiting)(const struct wait *wait, void *context), void *context)
{
	static bool was_quiet;
	bool was_told = false;
	double start = seconds_since_boot();

	*wait = (struct wait){.settled = true};
	while (limit > 0 && !signals->stopping) {
		if (was_quiet ? is_quiet(100, 1, signals) : is_quiet(1000, 2, signals)) {
			was_quiet = true;
			break;
		}
		wait->waited = seconds_since_boot() - start;
		if (wait->waited >= limit) {
			wait->settled = false;
			break;
		}
		if (!wait->busiest.count)
			busiest_begin(&wait->busiest, HOST_PLACES.proc, seconds_since_boot());
		if (!was_told && wait->waited >= PATIENCE_SECONDS) {
			was_told = true;
			still_waiting(wait, context);
		}
	}
	if (limit > 0)
		wait->waited = seconds_since_boot() - start;
}
