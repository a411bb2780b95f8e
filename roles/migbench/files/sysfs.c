// SPDX-License-Identifier: MIT
#include "sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool read_text(const char *path, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	text[0] = '\0';
	if (fd < 0)
		return false;
	while (used < size - 1 && got > 0) {
		got = read(fd, text + used, size - 1 - used);
		if (got > 0)
			used += (size_t)got;
	}
	close(fd);
	while (used > 0 && isspace((unsigned char)text[used - 1]))
		used--;
	text[used] = '\0';
	return got >= 0;
}

bool read_number(const char *path, uint64_t *number)
{
	char text[64];
	char *end;

	if (!read_text(path, text, sizeof(text)) || !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

char *read_line(const char *path, const char *key)
{
	size_t length = strlen(key), size = 0;
	char *line = NULL, *found = NULL;
	FILE *file = fopen(path, "re");

	if (!file)
		return NULL;
	while (!found && getline(&line, &size, file) >= 0) {
		char *text, *end = line + strlen(line);

		if (strncmp(line, key, length) != 0)
			continue;
		text = line + length + strspn(line + length, " \t\n");
		while (end > text && isspace((unsigned char)end[-1]))
			end--;
		found = strndup(text, (size_t)(end - text));
	}
	free(line);
	fclose(file);
	return found;
}

bool path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool read_choice(const char *path, char *word, size_t size)
{
	char text[256];
	char *open_bracket, *close_bracket;

	if (!read_text(path, text, sizeof(text)))
		return false;
	open_bracket = strchr(text, '[');
	close_bracket = open_bracket ? strchr(open_bracket, ']') : NULL;
	if (!close_bracket)
		return false;
	*close_bracket = '\0';
	snprintf(word, size, "%s", open_bracket + 1);
	return true;
}

bool find_number(const char *text, const char *key, uint64_t *number)
{
	const char *at = strstr(text, key);

	if (!at)
		return false;
	return sscanf(at + strlen(key), " %" SCNu64, number) == 1;
}
