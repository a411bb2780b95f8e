/*
 * A trial that everything disturbs which takes its CPU or its cache: it follows pointers through
 * 256 KiB, four times, and prints how many microseconds that took. About 100.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LINES 4096
#define STEPS (4 * LINES)

struct line {
	struct line *next;
	char rest[64 - sizeof(struct line *)];
};

static struct line lines[LINES] __attribute__((aligned(4096)));

/* Link all lines to one ring in an order that no prefetcher knows, the same each time. */
static void link_lines(void)
{
	static unsigned order[LINES];

	srand(1);
	for (unsigned i = 0; i < LINES; i++)
		order[i] = i;
	for (unsigned i = LINES - 1; i > 0; i--) {
		unsigned other = (unsigned)rand() % (i + 1), kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (unsigned i = 0; i < LINES; i++)
		lines[order[i]].next = &lines[order[(i + 1) % LINES]];
}

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

int main(void)
{
	struct line *volatile at = lines;
	struct line *line;
	double began;

	link_lines();
	line = at;
	began = microseconds();
	for (unsigned step = 0; step < STEPS; step++)
		line = line->next;
	at = line;
	printf("{\"t\": %.3f}\n", microseconds() - began);
	return 0;
}
