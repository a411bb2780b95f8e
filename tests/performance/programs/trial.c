/* A trial of one millisecond that takes no CPU: it sleeps, and prints one line. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	const struct timespec duration = {.tv_nsec = 1000000};

	nanosleep(&duration, NULL);
	puts("{\"t\": 1.0}");
	return 0;
}
