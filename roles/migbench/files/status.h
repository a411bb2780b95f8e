/* SPDX-License-Identifier: MIT */
/* Compares the status arrays that the kernel wrote with the nodes of the pages. */
#ifndef STATUS_H
#define STATUS_H

struct pass;
struct trial;

/* Sets status_mismatches of the verification. Requires the query at once after the call. */
void status_check(struct trial *trial, const struct pass *pass);

#endif
