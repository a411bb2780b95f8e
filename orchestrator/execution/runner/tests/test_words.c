// SPDX-License-Identifier: MIT
#include "words.h"

#include "check.h"

static void check_words(const char *line, size_t count, const char *const *wanted)
{
	struct words words;

	CHECK(words_read(&words, line));
	CHECK(words.count == count);
	for (size_t i = 0; i < count; i++)
		CHECK_TEXT(words.word[i], wanted[i]);
	CHECK(!words.word[count]);
	words_free(&words);
}

static void test_quotes(void)
{
	check_words("a 'b c'  \"d\"e\\ f\n", 3, (const char *const[]){"a", "b c", "de f"});
	check_words("'it'\"'\"'s' '' ''\n", 3, (const char *const[]){"it's", "", ""});
	check_words("'it'\\''s'\n", 1, (const char *const[]){"it's"});
	check_words("'a'\"$nl\"'b' '$nl' \"x$nl\"\n", 3,
		    (const char *const[]){"a\nb", "$nl", "x$nl"});
	check_words(" \n", 0, NULL);
}

static void test_quotes_that_are_not_closed(void)
{
	struct words words;

	CHECK(!words_read(&words, "a 'b"));
	words_free(&words);
	CHECK(!words_read(&words, "a \"b\n"));
	words_free(&words);
}

static void test_what_is_quoted_is_read_back(void)
{
	static const char *const wanted[] = {"", "'", "a'b''", "$nl", "\\", "\" \""};
	struct text line = {0};

	for (size_t i = 0; i < COUNT(wanted); i++) {
		quote_word(&line, wanted[i]);
		text_add(&line, " ", 1);
	}
	check_words(line.bytes, COUNT(wanted), wanted);
	text_free(&line);
}

int main(void)
{
	test_quotes();
	test_quotes_that_are_not_closed();
	test_what_is_quoted_is_read_back();
	return 0;
}
