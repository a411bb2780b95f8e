/* SPDX-License-Identifier: MIT */
/* Other programs of the host, such as systemctl. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "text.h"

/* Runs a program that is found by PATH, without input; adds what it prints to output, and drops its
 * errors. Returns its exit code; 127 if it cannot be run, 128 and the signal if one ended it. */
int program_output(char *const command[], struct text *output);

/* The same without what it prints; it may leave processes behind that keep its output open. */
int program_run(char *const command[]);

#endif
