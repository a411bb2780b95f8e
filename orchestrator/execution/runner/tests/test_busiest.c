// SPDX-License-Identifier: MIT
#include "busiest.h"

#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "text.h"

static char proc[] = "/tmp/proc.XXXXXX";

/* As /proc/PID/stat of proc(5): pid, name, state, parent, group ... user and system time ... start
 */
static void put(int pid, const char *name, char state, int ticks, int start)
{
	char *folder = format("%s/%d", proc, pid), *path = format("%s/stat", folder);
	FILE *file;

	CHECK(make_folder(folder));
	file = fopen(path, "w");
	CHECK(file);
	fprintf(file, "%d (%s) %c 1 %d 0 0 -1 4 5 6 7 8 %d 2 0 0 20 0 1 0 %d 1000 10\n", pid, name,
		state, pid, ticks, start);
	CHECK(fclose(file) == 0);
	free(path);
	free(folder);
}

static void check(const struct busiest *busiest, const char *wanted)
{
	struct json json = {0};

	json_object(&json, NULL);
	busiest_tell(busiest, proc, 12, &json);
	json_end_object(&json);
	CHECK_TEXT(json.text, wanted);
	free(json.text);
}

static void test_the_busiest_come_first(void)
{
	struct busiest busiest = {0};

	check(&busiest, "{\"busy\":[]}");
	put(11, "idle", 'S', 500, 1);
	put(12, "some", 'R', 100, 1);
	put(13, "old", 'R', 900, 1);
	busiest_begin(&busiest, proc, 10);
	check(&busiest, "{\"busy\":[]}");
	put(12, "some (1) R 2", 'R', 150, 1);
	put(13, "new", 'R', 20, 3); /* another process of the same number */
	put(14, "much", 'D', 198, 2);
	put(15, "dead", 'Z', 300, 2);
	check(&busiest, "{\"busy\":[{\"command\":\"much\",\"pid\":14,\"cpus\":1.00},"
			"{\"command\":\"some (1) R 2\",\"pid\":12,\"cpus\":0.25},"
			"{\"command\":\"new\",\"pid\":13,\"cpus\":0.11}]}");
	busiest_free(&busiest);
}

static void test_no_more_than_five_and_any_bytes(void)
{
	struct busiest busiest = {0};

	busiest_begin(&busiest, proc, 10);
	for (int pid = 21; pid < 28; pid++)
		put(pid, "\033]0;\377)", 'R', 98 + pid, 9);
	check(&busiest, "{\"busy\":["
			"{\"command\":\"\\u001b]0;\xef\xbf\xbd)\",\"pid\":27,\"cpus\":0.64},"
			"{\"command\":\"\\u001b]0;\xef\xbf\xbd)\",\"pid\":26,\"cpus\":0.63},"
			"{\"command\":\"\\u001b]0;\xef\xbf\xbd)\",\"pid\":25,\"cpus\":0.62},"
			"{\"command\":\"\\u001b]0;\xef\xbf\xbd)\",\"pid\":24,\"cpus\":0.62},"
			"{\"command\":\"\\u001b]0;\xef\xbf\xbd)\",\"pid\":23,\"cpus\":0.61}]}");
	busiest_free(&busiest);
}

int main(void)
{
	char command[64];

	CHECK(mkdtemp(proc));
	test_the_busiest_come_first();
	test_no_more_than_five_and_any_bytes();
	snprintf(command, sizeof(command), "rm -rf %s", proc);
	return system(command) != 0;
}
