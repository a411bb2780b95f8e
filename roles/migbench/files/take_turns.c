// SPDX-License-Identifier: MIT
#include "take_turns.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

static const int TERMINATING_SIGNALS[] = {SIGHUP, SIGINT, SIGTERM};

static const char *changed_knob; /* NULL: there is no value to restore */
static char before[2];

bool take_turns_wanted(const char *option)
{
	const char *clock = getenv("ORCHESTRATE_CLOCK");

	if (strcmp(option, "auto") == 0)
		return clock && strcmp(clock, "instructions") == 0;
	return strcmp(option, "yes") == 0;
}

/* Opens the file each time, because files of debugfs have no offset that could be set back. */
static bool write_knob(const char *knob, const char text[2])
{
	int fd = open(knob, O_WRONLY | O_CLOEXEC), error;
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, text, 2) == 2;
	error = errno;
	close(fd);
	errno = error;
	return written;
}

void take_turns_restore(void)
{
	const char *knob = changed_knob;

	if (!knob)
		return;
	changed_knob = NULL;
	write_knob(knob, before);
}

static void restore_and_exit(int number)
{
	take_turns_restore();
	raise(number); /* SA_RESETHAND has restored the default action */
}

static void install_handlers(void)
{
	struct sigaction action = {.sa_handler = restore_and_exit, .sa_flags = SA_RESETHAND};

	for (size_t i = 0; i < sizeof(TERMINATING_SIGNALS) / sizeof(TERMINATING_SIGNALS[0]); i++)
		sigaction(TERMINATING_SIGNALS[i], &action, NULL);
}

bool take_turns_set(const char *knob, bool on, struct verdict *verdict)
{
	const char wanted[2] = {on ? '1' : '0', '\n'};
	uint64_t value = 0;

	if (read_number(knob, &value) && value == on)
		return true;
	before[0] = value ? '1' : '0';
	before[1] = '\n';
	changed_knob = knob;
	install_handlers();
	if (write_knob(knob, wanted))
		return true;
	return verdict_set(verdict, STATUS_DISTURBED, "cannot set %s to %c: %s", knob, wanted[0],
			   strerror(errno));
}
