// SPDX-License-Identifier: MIT
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIPE_SIZE                                                                           \
	(1 << 20) /* bytes that a program can print while we do not read; pipe(7): the most \
		     without a right */

bool output_open(struct output *output, size_t limit)
{
	int ends[2];

	*output = (struct output){.file = -1, .its_file = -1, .limit = limit};
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	output->file = ends[0];
	output->its_file = ends[1];
	fcntl(output->file, F_SETPIPE_SZ, PIPE_SIZE);
	return fcntl(output->file, F_SETFL, O_NONBLOCK) == 0;
}

static void keep(struct output *output, const char *bytes, size_t count)
{
	size_t limit = output->limit;

	if (!output->ring)
		output->ring = allocate(NULL, limit);
	if (count > limit) {
		output->total += count - limit;
		bytes += count - limit;
		count = limit;
	}
	while (count) {
		size_t at = output->total % limit, part = count < limit - at ? count : limit - at;

		memcpy(output->ring + at, bytes, part);
		output->total += part;
		bytes += part;
		count -= part;
	}
}

bool output_read(struct output *output)
{
	static char buffer[64 << 10];
	size_t reads = 0;
	ssize_t count;

	if (output->file < 0)
		return false;
	do {
		count = read(output->file, buffer, sizeof(buffer));
		if (count > 0)
			keep(output, buffer, (size_t)count);
	} while ((count == (ssize_t)sizeof(buffer) || (count < 0 && errno == EINTR)) &&
		 ++reads < PIPE_SIZE / sizeof(buffer));
	return count > 0 || (count < 0 && errno == EAGAIN);
}

static void close_file(int *file)
{
	if (*file >= 0)
		close(*file);
	*file = -1;
}

void output_close(struct output *output)
{
	close_file(&output->file);
	close_file(&output->its_file);
}

bool output_kept(const struct output *output, struct text *text)
{
	size_t at = output->total % output->limit;

	if (output->total <= output->limit) {
		text_add(text, output->ring ? output->ring : "", (size_t)output->total);
		return false;
	}
	text_add(text, output->ring + at, output->limit - at);
	text_add(text, output->ring, at);
	return true;
}

void output_free(struct output *output)
{
	output_close(output);
	free(output->ring);
	output->ring = NULL;
}
