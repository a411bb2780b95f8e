// SPDX-License-Identifier: MIT
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void check_paths(const struct record *record, const char *const *wanted, size_t count)
{
	CHECK(record->count == count);
	for (size_t i = 0; i < count; i++)
		CHECK_TEXT(record->line[i].word[RECORD_BEFORE], wanted[i]);
}

static void test_one_line_for_each_path(void)
{
	static const char lines[] = "boot '/a' '1' '2'\nboot '/b' '3' '4'\nboot '/a' '5' '6' of a "
				    "later version\nboot '/half";
	char path[] = "/tmp/record.XXXXXX";
	struct text text = {0};
	struct record record = {0};
	struct stat status;

	CHECK(close(mkstemp(path)) == 0);
	text_add(&text, lines, strlen(lines));
	CHECK(record_append(path, &text));
	CHECK(record_read(&record, path));
	check_paths(&record, (const char *const[]){"1", "3", "5"}, 3);
	record_keep_first(&record); /* newest first */
	check_paths(&record, (const char *const[]){"3", "1"}, 2);
	record_free(&record);
	CHECK(record_read(&record, path));
	record_keep_last(&record);
	check_paths(&record, (const char *const[]){"3", "5"}, 2);
	record_free(&record);
	text_clear(&text);
	text_print(&text, "boot '/d' '8' '9'\n");
	CHECK(record_append(path, &text)); /* not behind half a line */
	CHECK(record_read(&record, path));
	check_paths(&record, (const char *const[]){"1", "3", "5", "8"}, 4);
	record_free(&record);
	text_clear(&text);
	text_print(&text, "boot '/e' '10'\n");
	CHECK(record_append(path, &text));
	CHECK(!record_read(&record, path) && errno == EBADMSG);
	record_free(&record);
	text_clear(&text);
	CHECK(record_replace(path, &text));
	CHECK(stat(path, &status) == 0 && status.st_size == 0);
	text_free(&text);
	CHECK(unlink(path) == 0);
}

static void test_no_record(void)
{
	struct record record = {0};
	struct text text = {0};

	CHECK(record_read(&record, "/no/such/record") && record.count == 0);
	CHECK(!record_read(&record, "/") && record.count == 0);
	text_print(&text, "line\n");
	CHECK(!record_append("/no/such/record", &text));
	CHECK(!record_replace("/no/such/record", &text));
	text_free(&text);
}

int main(void)
{
	test_one_line_for_each_path();
	test_no_record();
	return 0;
}
