// SPDX-License-Identifier: MIT
#include "claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

static bool write_file(const char *path, const char *base, const char *block)
{
	char *identity = identity_of(getpid());
	char *lines = format("%s\n%s\n%s\n", identity ? identity : "", base, block);
	bool is_written;
	int file;

	unlink(path); /* of a runner with our number that died: it may be the file of the claim, too
		       */
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	is_written = file >= 0 && write_all(file, lines, strlen(lines));

	if (file >= 0 && close(file) != 0)
		is_written = false;
	free(identity);
	free(lines);
	return is_written;
}

/* Of two that find a dead runner, the later may take the claim of the earlier: then it is given
 * back. */
static void remove_dead(const char *running)
{
	char *old = format("%s.dead.%d", running, (int)getpid());
	struct runner runner;

	if (rename(running, old) == 0) {
		if (runner_read(&runner, old) && runner_is_alive(&runner) &&
		    link(old, running) != 0)
			perror(running);
		runner_free(&runner);
		unlink(old);
	}
	free(old);
}

static enum claim take(const char *mine, const char *running, const char *block,
		       struct runner *other)
{
	while (link(mine, running) != 0) {
		if (errno != EEXIST)
			return CLAIM_FAILED;
		if (runner_read(other, running) && runner_is_alive(other))
			return strcmp(other->block, block) == 0 ? CLAIM_SAME_BLOCK
								: CLAIM_OTHER_BLOCK;
		runner_free(other);
		remove_dead(running);
	}
	return CLAIM_TAKEN;
}

enum claim claim_host(const char *base, const char *block, struct runner *other)
{
	char *mine = format("%s/running.%d", base, (int)getpid());
	char *running = format("%s/running", base), *kept = format("%s/runner", block);
	enum claim claim = CLAIM_FAILED;
	int fault;

	*other = (struct runner){0};
	if (write_file(mine, base, block))
		claim = take(mine, running, block, other);
	fault = errno;
	if (claim == CLAIM_TAKEN && rename(mine, kept) != 0 && !write_file(kept, base, block)) {
		fault = errno;
		unlink(running);
		claim = CLAIM_FAILED;
	}
	unlink(mine);
	free(mine);
	free(running);
	free(kept);
	errno = fault;
	return claim;
}

void claim_release(const char *base)
{
	char *running = format("%s/running", base);

	unlink(running);
	free(running);
}
