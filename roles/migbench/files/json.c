// SPDX-License-Identifier: MIT
#include "json.h"

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
			fputs("migbench: out of memory for the JSON document\n", stderr);
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

static void append_quoted(struct json *json, const char *value)
{
	append(json, "\"", 1);
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			append_format(json, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			append_format(json, "\\u%04x", (unsigned char)*c);
		else
			append(json, c, 1);
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

bool json_print(struct json *json, FILE *stream)
{
	bool taken;

	append(json, "\n", 1);
	taken = fwrite(json->text, 1, json->used, stream) == json->used && fflush(stream) == 0;
	free(json->text);
	*json = (struct json){0};
	return taken;
}
