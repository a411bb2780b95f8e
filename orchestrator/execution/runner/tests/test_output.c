// SPDX-License-Identifier: MIT
#include "output.h"

#include <unistd.h>

#include "check.h"

#define LIMIT 8

static void print(struct output *output, const char *text)
{
	CHECK(write_all(output->its_file, text, strlen(text)));
	CHECK(output_read(output));
}

static void check_kept(const struct output *output, const char *wanted, bool is_cut)
{
	struct text kept = {0};

	CHECK(output_kept(output, &kept) == is_cut);
	CHECK_TEXT(text_bytes(&kept), wanted);
	text_free(&kept);
}

static void test_the_end_is_kept(void)
{
	struct output output;

	CHECK(output_open(&output, LIMIT));
	check_kept(&output, "", false);
	print(&output, "abc");
	check_kept(&output, "abc", false);
	print(&output, "defgh");
	check_kept(&output, "abcdefgh", false);
	print(&output, "i");
	check_kept(&output, "bcdefghi", true);
	print(&output, "0123456789ABCDEFGHIJ");
	check_kept(&output, "CDEFGHIJ", true);
	print(&output, "klm");
	check_kept(&output, "FGHIJklm", true);
	close(output.its_file);
	output.its_file = -1;
	CHECK(!output_read(&output));
	output_close(&output);
	CHECK(!output_read(&output));
	check_kept(&output, "FGHIJklm", true);
	output_free(&output);
}

static void check_clean(const char *bytes, size_t count, const char *wanted)
{
	struct text clean = {0};

	text_clean(&clean, bytes, count);
	CHECK_TEXT(text_bytes(&clean), wanted);
	text_free(&clean);
}

static void test_output_in_a_document(void)
{
	check_clean("", 0, "");
	check_clean("a\0b\n\n", 5, "ab");
	check_clean("\xc3\xa4\xff\xc3", 4, "\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
	check_clean("\n\0\n", 3, "");
	check_clean("a\nb", 3, "a\nb");
}

int main(void)
{
	test_the_end_is_kept();
	test_output_in_a_document();
	return 0;
}
