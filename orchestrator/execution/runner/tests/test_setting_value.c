// SPDX-License-Identifier: MIT
#include "setting_value.h"

#include <unistd.h>

#include "check.h"

static void test_equal_values(void)
{
	static const char *const equal[][2] = {
		{"60", "060"},
		{"0", "000"},
		{"4096\t131072\t6291456", " 4096  131072 6291456 "},
		{"Y", "1"},
		{"false", "0"},
		{"00000000,0000000f", "f"},
		{"00000001,00000000", "1,00000000"},
		{"", "  "},
		{"parallel batch", "batch  parallel"},
	};
	static const char *const different[][2] = {
		{"5", "50"},	  {"1 2", "12"},
		{"1 2", "1 2 3"}, {"3", "0,3"},
		{"", "0"},	  {"Yes", "1"},
		{"0x10", "16"},	  {"0", ""},
		{"4 8", "8 4"},	  {"batch", "batch parallel"},
	};

	for (size_t i = 0; i < COUNT(equal); i++) {
		CHECK(setting_same(equal[i][0], equal[i][1]));
		CHECK(setting_same(equal[i][1], equal[i][0]));
	}
	for (size_t i = 0; i < COUNT(different); i++) {
		CHECK(!setting_same(different[i][0], different[i][1]));
		CHECK(!setting_same(different[i][1], different[i][0]));
	}
}

static void check_value(const char *path, const char *content, const char *wanted)
{
	FILE *file = fopen(path, "w");
	struct text value = {0};

	CHECK(file && fputs(content, file) >= 0 && fclose(file) == 0);
	CHECK(setting_read(path, &value));
	CHECK_TEXT(text_bytes(&value), wanted);
	text_free(&value);
}

static void test_values_are_one_line(void)
{
	char path[] = "/tmp/setting.XXXXXX";

	CHECK(close(mkstemp(path)) == 0);
	check_value(path, "5\n", "5");
	check_value(path, "", "");
	check_value(path, "always [madvise] never\n", "madvise");
	check_value(path, "[always] madvise never\n", "always");
	check_value(path, "a[1] b\n", "a[1] b");
	check_value(path, "1\n2\n\n", "1 2");
	CHECK(setting_write(path, "7"));
	CHECK(setting_exists(path));
	CHECK(unlink(path) == 0);
	CHECK(!setting_write(path, "7"));
	CHECK(!setting_exists(path));
}

int main(void)
{
	test_equal_values();
	test_values_are_one_line();
	return 0;
}
