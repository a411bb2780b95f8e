/* SPDX-License-Identifier: MIT */
/* The verbs of the command line; main.c describes them. Each returns an exit code. */
#ifndef VERBS_H
#define VERBS_H

#define EXIT_USAGE 2

int start(int count, char **words);
int run(int count, char **words);
int stop(int count, char **words);
int status(int count, char **words);
int follow(int count, char **words);
int who(int count, char **words);
int settings(int count, char **words);

#endif
