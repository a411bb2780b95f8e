/* SPDX-License-Identifier: MIT */
/* The trials of a block, one after another. */
#ifndef BLOCK_H
#define BLOCK_H

/* What "start" and "run" answer: 0: it runs (run: it has run), 1: it cannot, 3: this block runs
 * already, 4: another one runs on this host. */
enum answer { ANSWER_OK = 0, ANSWER_FAILED = 1 };

/* Runs a block to its end. begun is called when the first trial is about to begin, or with why
 * there is none: code, and a message. The code is returned. */
int block_run(const char *base, const char *block, void (*begun)(int code, const char *message));

/* Ends what a dead runner has left of its trial, and restores its settings; returns why not,
 * allocated, or NULL. */
char *block_clean_up(const char *base, const char *block);

#endif
