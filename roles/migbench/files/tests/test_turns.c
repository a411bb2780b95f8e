// SPDX-License-Identifier: MIT
/* The knob of a made-up kernel, set and put back whatever ends the program. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sysfs.h"
#include "turns.h"

static char knob[] = "/tmp/migbench-turns-XXXXXX";

static void put(const char *text)
{
	FILE *file = fopen(knob, "w");

	CHECK(file);
	fputs(text, file);
	fclose(file);
}

static void is(const char *wanted)
{
	char text[16];

	CHECK(read_text(knob, text, sizeof(text)));
	CHECK_TEXT(text, wanted);
}

static void test_wanted(void)
{
	unsetenv("ORCHESTRATE_CLOCK");
	CHECK(!turns_wanted("auto") && turns_wanted("yes") && !turns_wanted("no"));
	setenv("ORCHESTRATE_CLOCK", "wall", 1);
	CHECK(!turns_wanted("auto"));
	setenv("ORCHESTRATE_CLOCK", "instructions", 1);
	CHECK(turns_wanted("auto") && !turns_wanted("no"));
}

static void test_set_and_put_back(void)
{
	struct verdict verdict = {0};

	for (int taken = 0; taken < 2; taken++) {
		put(taken ? "0\n" : "1\n");
		CHECK(turns_begin(knob, taken, &verdict));
		is(taken ? "1" : "0");
		turns_end();
		is(taken ? "0" : "1");
		put("1\n"); /* nothing is left to put back */
		turns_end();
		is("1");
	}
}

static void test_what_holds_already_is_not_written(void)
{
	struct verdict verdict = {0};

	put("1\n");
	CHECK(turns_begin(knob, true, &verdict));
	put("0\n");
	turns_end();
	is("0");
}

static void test_no_such_knob(void)
{
	struct verdict verdict = {0};

	CHECK(!turns_begin("/proc/sys/vm/no_such_knob", true, &verdict));
	CHECK(verdict.status == STATUS_DISTURBED);
	CHECK_TEXT(verdict.reason,
		   "cannot set /proc/sys/vm/no_such_knob to 1: No such file or directory");
}

static void test_signals_put_it_back(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct verdict verdict = {0};

	for (size_t i = 0; i < COUNT(signals); i++) {
		int status;
		pid_t child;

		put("0\n");
		child = fork();
		if (child == 0) {
			turns_begin(knob, true, &verdict);
			is("1");
			raise(signals[i]);
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
		is("0");
	}
}

int main(void)
{
	int fd = mkstemp(knob);

	CHECK(fd >= 0);
	close(fd);
	test_wanted();
	test_set_and_put_back();
	test_what_holds_already_is_not_written();
	test_no_such_knob();
	test_signals_put_it_back();
	CHECK(unlink(knob) == 0);
	return 0;
}
