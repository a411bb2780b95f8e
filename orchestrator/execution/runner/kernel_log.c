// SPDX-License-Identifier: MIT
#include "kernel_log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define LINES_LIMIT 200
#define MESSAGE_SIZE                                                                               \
	(8 << 10) /* the kernel's own limit, PRINTK_MESSAGE_MAX, is 2 KiB; bytes may be escaped as \
		     \xNN */

struct message {
	uint64_t number;
	unsigned long level, microseconds;
	char *text;
	char bytes[MESSAGE_SIZE];
};

/* Restores \xNN, as which the kernel writes bytes that cannot be printed. */
static void unescape(char *text)
{
	char *to = text;
	unsigned int byte;

	for (const char *from = text; *from; to++) {
		if (strncmp(from, "\\x", 2) == 0 && isxdigit((unsigned char)from[2]) &&
		    isxdigit((unsigned char)from[3]) && sscanf(from + 2, "%2x", &byte) == 1) {
			*to = (char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* "LEVEL,NUMBER,MICROSECONDS,FLAGS;TEXT", then lines with properties:
 * Documentation/ABI/testing/dev-kmsg. */
static bool next_message(int file, struct message *message)
{
	ssize_t count;

	do {
		count = read(file, message->bytes, sizeof(message->bytes) - 1);
	} while (count < 0 &&
		 (errno == EPIPE || errno == EINTR)); /* EPIPE: some were overwritten */
	if (count <= 0)
		return false;
	message->bytes[count] = '\0';
	if (sscanf(message->bytes, "%lu,%" SCNu64 ",%lu,", &message->level, &message->number,
		   &message->microseconds) != 3)
		return next_message(file, message);
	message->text = strchr(message->bytes, ';');
	message->text = message->text ? message->text + 1 : message->bytes + count;
	message->text[strcspn(message->text, "\n")] = '\0';
	unescape(message->text);
	return true;
}

static void remember(struct kernel_log *log, uint64_t number)
{
	char line[32];
	int count;

	log->seen = number + 1;
	count = snprintf(line, sizeof(line), "%-20" PRIu64 "\n", number);

	if (pwrite(log->seen_file, line, (size_t)count, 0) != count)
		fputs("the number of the last message of the kernel's log is not kept\n", stderr);
}

/* Finds the last message that was told; without one, the last that is there. */
static void skip(struct kernel_log *log)
{
	struct message message = {0};
	char line[32] = "";
	uint64_t told;

	if (pread(log->seen_file, line, sizeof(line) - 1, 0) > 0 &&
	    sscanf(line, "%" SCNu64 " \n", &told) == 1) {
		log->seen = told + 1;
		return;
	}
	while (next_message(log->file, &message))
		;
	if (message.text)
		remember(log, message.number);
}

void kernel_log_open(struct kernel_log *log, const char *seen)
{
	log->seen_file = open(seen, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	log->file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log->file >= 0)
		skip(log);
}

void kernel_log_close(struct kernel_log *log)
{
	if (log->file >= 0)
		close(log->file);
	if (log->seen_file >= 0)
		close(log->seen_file);
}

/* Adds the lines of a message to a ring; count: of all lines so far. */
static size_t add_lines(char **ring, size_t count, const struct message *message)
{
	char *rest = message->text, *line;

	while ((line = strsep(&rest, "\n"))) {
		char **place = &ring[count++ % LINES_LIMIT];

		free(*place);
		*place = format("<%lu>[%5lu.%06lu] %s", message->level,
				message->microseconds / 1000000, message->microseconds % 1000000,
				line);
	}
	return count;
}

void kernel_log_tell(struct kernel_log *log, struct json *json)
{
	struct message message = {0};
	char *ring[LINES_LIMIT] = {0};
	size_t count = 0, first;

	if (log->file < 0) {
		json_null(json, "kernel_log");
		return;
	}
	while (next_message(log->file, &message))
		if (message.number >= log->seen)
			count = add_lines(ring, count, &message);
	if (count)
		remember(log, message.number);
	json_array(json, "kernel_log");
	first = count > LINES_LIMIT ? count - LINES_LIMIT : 0;
	for (size_t i = first; i < count; i++) {
		struct text clean = {0};

		text_clean(&clean, ring[i % LINES_LIMIT], strlen(ring[i % LINES_LIMIT]));
		json_string(json, NULL, text_bytes(&clean));
		text_free(&clean);
	}
	json_end_array(json);
	for (size_t i = 0; i < LINES_LIMIT; i++)
		free(ring[i]);
}
