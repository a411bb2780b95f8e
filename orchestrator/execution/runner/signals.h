/* SPDX-License-Identifier: MIT */
/* Signals that the runner waits for: TERM, which stops it, and CHLD. They come by a descriptor. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

struct signals {
	int file;
	bool stopping;
};

bool signals_open(struct signals *signals);
/* Takes those that have come. */
void signals_read(struct signals *signals);
/* Waits until one comes, at most so long. */
void signals_wait(struct signals *signals, int milliseconds);
/* In a child: none is blocked or ignored. */
void signals_default(void);

#endif
