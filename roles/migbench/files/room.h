/* SPDX-License-Identifier: MIT */
/* Whether the kernel can give the memory that a trial asks for. */
#ifndef ROOM_H
#define ROOM_H

#include <stdbool.h>

struct trial;

/* False, with node and figures in the verdict, if the memory is not there or is switched off. */
bool room_check(struct trial *trial);

#endif
