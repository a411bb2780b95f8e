/* SPDX-License-Identifier: MIT */
/* Whether the kernel can give the memory that a trial asks for. */
#ifndef ROOM_H
#define ROOM_H

#include <stdbool.h>

struct trial;

/*
 * Brings the free memory of both nodes together if --compact asks for it. Where pages come from,
 * split off large blocks or picked from small ones, and whether they join others when they are
 * freed, is work of the timed call that depends on what ran before: 2 to 3 % of a list of base
 * pages.
 */
bool room_compact(struct trial *trial);

/* False, with node and figures in the verdict, if the memory is not there or is switched off. */
bool room_check(struct trial *trial);

#endif
