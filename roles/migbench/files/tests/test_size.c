// SPDX-License-Identifier: MIT
#include "check.h"
#include "size.h"

static const struct {
	const char *text;
	uint64_t bytes;
} GOOD[] = {
	{"0", 0},
	{"4096", 4096},
	{"010", 10},
	{"0x10", 16},
	{"0x10KiB", 16384},
	{"512B", 512},
	{"4KiB", 4096},
	{"2MiB", 2097152},
	{"1GiB", 1073741824},
	{"1TiB", UINT64_C(1) << 40},
};

static const char *const BAD[] = {
	"",
	" 4KiB",
	"-1",
	"KiB",
	"4KB",
	"4kib",
	"4 KiB",
	"1.5MiB",
	"0x",
	"0xg",
	"99999999999TiB",
	"18446744073709551616",
};

int main(void)
{
	char text[SIZE_TEXT];
	uint64_t bytes;

	for (size_t i = 0; i < COUNT(GOOD); i++) {
		CHECK(size_parse(GOOD[i].text, &bytes));
		CHECK(bytes == GOOD[i].bytes);
		CHECK(size_parse(size_format(bytes, text), &bytes));
		CHECK(bytes == GOOD[i].bytes);
	}
	for (size_t i = 0; i < COUNT(BAD); i++)
		CHECK(!size_parse(BAD[i], &bytes));
	CHECK_TEXT(size_format(2 * MIB, text), "2MiB");
	CHECK_TEXT(size_format(6 * KIB, text), "6KiB");
	CHECK_TEXT(size_format(UINT64_MAX, text), "18446744073709551615B");
	CHECK_TEXT(size_round(64 * KIB, text), "64 KiB");
	CHECK_TEXT(size_round(0, text), "0 KiB");
	CHECK_TEXT(size_round(5 * MIB / 2, text), "2 MiB");
	return 0;
}
