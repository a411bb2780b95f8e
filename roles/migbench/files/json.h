/* SPDX-License-Identifier: MIT */
/* Builds one JSON document on one line in memory, so that it is printed at once. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	char *text;
	size_t used, size;
	bool comma; /* the next value of this object or array needs a comma */
};

/* key is NULL in an array and at the top level. */
void json_object(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_array(struct json *json, const char *key);
void json_end_array(struct json *json);
void json_string(struct json *json, const char *key, const char *value);
void json_integer(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_number(struct json *json, const char *key, double value);
/* With a fixed number of decimals. */
void json_decimal(struct json *json, const char *key, double value, int decimals);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/* A value, or members of an object (key is NULL), that are JSON already. */
void json_raw(struct json *json, const char *key, const char *text);

/* Bytes of the character of valid UTF-8 at text, which ends with NUL; 0 if it is not valid. See RFC
 * 3629, section 4. */
size_t json_utf8_length(const char *text);

/* Prints the document and a newline, and frees it. False on a write error. */
bool json_print(struct json *json, FILE *stream);

#endif
