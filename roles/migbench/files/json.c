// SPDX-License-Identifier: MIT
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void append(struct json *json, const char *bytes, size_t count)
{
	if (json->used + count + 1 > json->size) {
		size_t size = 2 * json->size + count + 256;
		char *text = realloc(json->text, size);

		if (!text) {
			fprintf(stderr, "%s: out of memory for the JSON document\n",
				program_invocation_short_name);
			exit(EXIT_FAILURE);
		}
		json->text = text;
		json->size = size;
	}
	memcpy(json->text + json->used, bytes, count);
	json->used += count;
	json->text[json->used] = '\0';
}

__attribute__((format(printf, 2, 3))) static void append_format(struct json *json,
								const char *format, ...)
{
	char buffer[64];
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	append(json, buffer, (size_t)count);
}

size_t json_utf8_length(const char *bytes)
{
	const unsigned char *text = (const unsigned char *)bytes;
	size_t length = text[0] < 0x80	 ? 1
			: text[0] < 0xc2 ? 0
			: text[0] < 0xe0 ? 2
			: text[0] < 0xf0 ? 3
					 : 4;
	/* Neither longer than needed, nor a surrogate, nor above U+10FFFF. */
	unsigned char low = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf;

	if (text[0] > 0xf4 || (length > 1 && (text[1] < low || text[1] > high)))
		return 0;
	for (size_t i = 2; i < length; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return length;
}

/* A byte that is not UTF-8 is written as the four characters \xNN, so that every reader of JSON
 * accepts the document. */
static void append_quoted(struct json *json, const char *value)
{
	append(json, "\"", 1);
	while (*value) {
		unsigned char byte = (unsigned char)*value;
		size_t length = json_utf8_length(value);

		if (byte == '"' || byte == '\\')
			append_format(json, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			append_format(json, "\\u%04x", byte);
		else if (length == 0)
			append_format(json, "\\\\x%02x", byte);
		else
			append(json, value, length);
		value += length ? length : 1;
	}
	append(json, "\"", 1);
}

static void begin_value(struct json *json, const char *key)
{
	if (json->comma)
		append(json, ",", 1);
	if (key) {
		append_quoted(json, key);
		append(json, ":", 1);
	}
	json->comma = true;
}

static void open_bracket(struct json *json, const char *key, const char *bracket)
{
	begin_value(json, key);
	append(json, bracket, 1);
	json->comma = false;
}

static void close_bracket(struct json *json, const char *bracket)
{
	append(json, bracket, 1);
	json->comma = true;
}

void json_object(struct json *json, const char *key)
{
	open_bracket(json, key, "{");
}

void json_end_object(struct json *json)
{
	close_bracket(json, "}");
}

void json_array(struct json *json, const char *key)
{
	open_bracket(json, key, "[");
}

void json_end_array(struct json *json)
{
	close_bracket(json, "]");
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	append_quoted(json, value);
}

void json_integer(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	append_format(json, "%" PRId64, value);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	append_format(json, "%" PRIu64, value);
}

void json_number(struct json *json, const char *key, double value)
{
	begin_value(json, key);
	if (isfinite(value))
		append_format(json, "%.9g", value);
	else
		append(json, "null", 4);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	append_format(json, "%s", value ? "true" : "false");
}

void json_decimal(struct json *json, const char *key, double value, int decimals)
{
	begin_value(json, key);
	append_format(json, "%.*f", decimals, value);
}

void json_null(struct json *json, const char *key)
{
	json_raw(json, key, "null");
}

void json_raw(struct json *json, const char *key, const char *text)
{
	begin_value(json, key);
	append(json, text, strlen(text));
}

bool json_print(struct json *json, FILE *stream)
{
	bool taken;

	append(json, "\n", 1);
	taken = fwrite(json->text, 1, json->used, stream) == json->used && fflush(stream) == 0;
	free(json->text);
	*json = (struct json){0};
	return taken;
}
