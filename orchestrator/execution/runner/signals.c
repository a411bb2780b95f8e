// SPDX-License-Identifier: MIT
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool signals_open(struct signals *signals)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	*signals = (struct signals){.file = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
	return signals->file >= 0;
}

void signals_read(struct signals *signals)
{
	struct signalfd_siginfo info;

	while (read(signals->file, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGTERM)
			signals->stopping = true;
}

void signals_wait(struct signals *signals, int milliseconds)
{
	struct pollfd file = {signals->file, POLLIN, 0};

	if (poll(&file, 1, milliseconds) > 0)
		signals_read(signals);
}

void signals_default(void)
{
	sigset_t none;

	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
