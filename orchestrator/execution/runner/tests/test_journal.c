// SPDX-License-Identifier: MIT
#include "journal.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "text.h"

#define BEGIN	  "{\"event\":\"begin\"}\n"
#define TRIAL(id) "{\"event\":\"trial\",\"trial\":\"" id "\",\"tag\":{}}\n"
#define END	  "{\"event\":\"end\",\"reason\":\"stopped\"}\n"

static char folder[] = "/tmp/journal.XXXXXX";

static void write_journal(const char *content, size_t count)
{
	char *path = format("%s/journal.jsonl", folder);
	FILE *file = fopen(path, "w");

	CHECK(file && fwrite(content, 1, count, file) == count && fclose(file) == 0);
	free(path);
}

static void check_content(const char *wanted)
{
	char *path = format("%s/journal.jsonl", folder);
	struct text content = {0};

	CHECK(read_file(path, &content));
	CHECK_TEXT(text_bytes(&content), wanted);
	text_free(&content);
	free(path);
}

static void check_mended(const char *content, size_t count, const char *wanted)
{
	struct journal journal;

	write_journal(content, count);
	CHECK(journal_open(&journal, folder));
	journal_close(&journal);
	check_content(wanted);
}

#define CHECK_MENDED(content, wanted) check_mended(content, sizeof(content) - 1, wanted)

static void test_a_torn_end_is_cut_off(void)
{
	CHECK_MENDED("", "");
	CHECK_MENDED("{\"ev", "");
	CHECK_MENDED(BEGIN TRIAL("a"), BEGIN TRIAL("a"));
	CHECK_MENDED(BEGIN TRIAL("a") "{\"event\":\"trial\0\0", BEGIN TRIAL("a"));
	CHECK_MENDED(BEGIN TRIAL("a") END, BEGIN TRIAL("a"));
	CHECK_MENDED(BEGIN TRIAL("a") END "{\"event\":\"be", BEGIN TRIAL("a"));
}

static void test_trials_with_a_line(void)
{
	struct journal journal;
	struct ids ids;

	write_journal(BEGIN TRIAL("b") TRIAL("a") TRIAL("c1"),
		      strlen(BEGIN TRIAL("b") TRIAL("a") TRIAL("c1")));
	CHECK(journal_open(&journal, folder));
	journal_trials(&journal, &ids);
	CHECK(ids.count == 3);
	CHECK(ids_contain(&ids, "a") && ids_contain(&ids, "b") && ids_contain(&ids, "c1"));
	CHECK(!ids_contain(&ids, "c") && !ids_contain(&ids, ""));
	ids_free(&ids);
	CHECK(!ids_contain(&ids, "a"));
	journal_close(&journal);
}

static void test_events(void)
{
	struct journal journal;
	struct json json = {0};
	char *line, *reserve;
	struct stat status;

	write_journal("", 0);
	CHECK(journal_open(&journal, folder));
	reserve = copy_text(journal.reserve);
	CHECK(stat(reserve, &status) == 0 && status.st_blocks > 0);
	json_object(&json, NULL);
	json_string(&json, "event", "start");
	json_end_object(&json);
	CHECK(journal_add(&journal, &json) && journal_sync(&journal) && !json.text);
	json_object(&json, NULL);
	json_string(&json, "event", "end");
	json_end_object(&json);
	CHECK(journal_end(&journal, &json));
	journal_close(&journal);
	CHECK(stat(reserve, &status) != 0);
	check_content("{\"event\":\"start\"}\n{\"event\":\"end\"}\n");
	line = journal_last_line(folder);
	CHECK_TEXT(line, "{\"event\":\"end\"}");
	free(line);
	free(reserve);
}

int main(void)
{
	char *path;

	CHECK(mkdtemp(folder));
	test_a_torn_end_is_cut_off();
	test_trials_with_a_line();
	test_events();
	path = format("%s/journal.jsonl", folder);
	CHECK(unlink(path) == 0 && rmdir(folder) == 0);
	free(path);
	return 0;
}
