/* SPDX-License-Identifier: MIT */
/* Reproducible random numbers: xorshift64* (Marsaglia 2003, Vigna 2016). */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state; /* never 0 */
};

static inline struct random random_seeded(unsigned seed)
{
	return (struct random){UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)seed + 1)};
}

static inline unsigned random_below(struct random *random, unsigned limit)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (unsigned)((random->state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

#endif
