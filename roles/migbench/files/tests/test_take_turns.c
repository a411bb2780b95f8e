// SPDX-License-Identifier: MIT
/* Setting and restoring a fake knob. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sysfs.h"
#include "take_turns.h"

static char knob[] = "/tmp/migbench-take-turns-XXXXXX";

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
	CHECK(!take_turns_wanted("auto") && take_turns_wanted("yes") && !take_turns_wanted("no"));
	setenv("ORCHESTRATE_CLOCK", "wall", 1);
	CHECK(!take_turns_wanted("auto"));
	setenv("ORCHESTRATE_CLOCK", "instructions", 1);
	CHECK(take_turns_wanted("auto") && !take_turns_wanted("no"));
}

static void test_set_and_restore(void)
{
	struct verdict verdict = {0};

	for (int on = 0; on < 2; on++) {
		put(on ? "0\n" : "1\n");
		CHECK(take_turns_set(knob, on, &verdict));
		is(on ? "1" : "0");
		take_turns_restore();
		is(on ? "0" : "1");
		put("1\n"); /* a second restore does nothing */
		take_turns_restore();
		is("1");
	}
}

static void test_same_value_is_not_written(void)
{
	struct verdict verdict = {0};

	put("1\n");
	CHECK(take_turns_set(knob, true, &verdict));
	put("0\n");
	take_turns_restore();
	is("0");
}

static void test_no_such_knob(void)
{
	struct verdict verdict = {0};

	CHECK(!take_turns_set("/proc/sys/vm/no_such_knob", true, &verdict));
	CHECK(verdict.status == STATUS_DISTURBED);
	CHECK_TEXT(verdict.reason,
		   "cannot set /proc/sys/vm/no_such_knob to 1: No such file or directory");
}

static void test_signals_restore(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct verdict verdict = {0};

	for (size_t i = 0; i < COUNT(signals); i++) {
		int status;
		pid_t child;

		put("0\n");
		child = fork();
		if (child == 0) {
			take_turns_set(knob, true, &verdict);
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
	test_set_and_restore();
	test_same_value_is_not_written();
	test_no_such_knob();
	test_signals_restore();
	CHECK(unlink(knob) == 0);
	return 0;
}
