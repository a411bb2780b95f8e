/* SPDX-License-Identifier: MIT */
/* Checks that there is enough free memory of the requested kind. */
#ifndef HEADROOM_H
#define HEADROOM_H

#include <stdbool.h>

struct trial;

/* False if there is not enough memory or if it is disabled. The verdict has node and sizes. */
bool headroom_check(struct trial *trial);

#endif
