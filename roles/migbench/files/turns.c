// SPDX-License-Identifier: MIT
#include "turns.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

static const int ENDING[] = {SIGHUP, SIGINT, SIGTERM};

static int knob_fd = -1; /* open as long as there is something to put back */
static char before[2];

bool turns_wanted(const char *option)
{
	const char *clock = getenv("ORCHESTRATE_CLOCK");

	if (strcmp(option, "auto") == 0)
		return clock && strcmp(clock, "instructions") == 0;
	return strcmp(option, "yes") == 0;
}

/* At offset 0: files of /proc/sys ignore what is written behind it. */
static bool write_knob(int fd, const char text[2])
{
	return pwrite(fd, text, 2, 0) == 2;
}

void turns_end(void)
{
	int fd = knob_fd;

	if (fd < 0)
		return;
	knob_fd = -1;
	write_knob(fd, before);
	close(fd);
}

static void put_back_and_end(int number)
{
	turns_end();
	raise(number); /* as it was before: SA_RESETHAND */
}

static void catch_endings(void)
{
	struct sigaction action = {.sa_handler = put_back_and_end, .sa_flags = SA_RESETHAND};

	for (size_t i = 0; i < sizeof(ENDING) / sizeof(ENDING[0]); i++)
		sigaction(ENDING[i], &action, NULL);
}

bool turns_begin(const char *knob, bool taken, struct verdict *verdict)
{
	const char wanted[2] = {taken ? '1' : '0', '\n'};
	uint64_t value = 0;
	int fd;

	if (read_number(knob, &value) && value == taken)
		return true;
	fd = open(knob, O_WRONLY | O_CLOEXEC);
	before[0] = value ? '1' : '0';
	before[1] = '\n';
	knob_fd = fd;
	catch_endings();
	if (fd >= 0 && write_knob(fd, wanted))
		return true;
	return verdict_set(verdict, STATUS_DISTURBED, "cannot set %s to %c: %s", knob, wanted[0],
			   strerror(errno));
}
