// SPDX-License-Identifier: MIT
#include <math.h>

#include "check.h"
#include "json.h"

int main(void)
{
	struct json json = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	json_object(&json, NULL);
	json_integer(&json, "a", -1);
	json_string(&json, "quoted", "a\"b\\c\nd\x7f");
	json_string(&json, "text", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
	/* A lone byte, an overlong form, a surrogate, a cut character. */
	json_string(&json, "bytes", "\xff,\xc0\x80,\xed\xa0\x80,\xe2\x82");
	json_array(&json, "list");
	json_number(&json, NULL, 0.5);
	json_number(&json, NULL, INFINITY);
	json_unsigned(&json, NULL, UINT64_MAX);
	json_end_array(&json);
	json_object(&json, "empty");
	json_end_object(&json);
	json_bool(&json, "yes", true);
	json_end_object(&json);

	CHECK(stream && json_print(&json, stream));
	fclose(stream);
	CHECK_TEXT(text,
		   "{\"a\":-1,\"quoted\":\"a\\\"b\\\\c\\u000ad\\u007f\","
		   "\"text\":\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\","
		   "\"bytes\":\"\\\\xff,\\\\xc0\\\\x80,\\\\xed\\\\xa0\\\\x80,\\\\xe2\\\\x82\","
		   "\"list\":[0.5,null,18446744073709551615],\"empty\":{},\"yes\":true}\n");
	free(text);

	/* A write error is reported. */
	stream = fopen("/dev/full", "w");
	CHECK(stream);
	json_object(&json, NULL);
	json_end_object(&json);
	CHECK(!json_print(&json, stream));
	fclose(stream);
	return 0;
}
