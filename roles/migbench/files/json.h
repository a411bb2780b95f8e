/* SPDX-License-Identifier: MIT */
/* Writes one JSON document into memory, on one line, so that it reaches stdout whole. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	char *text;
	size_t used, size;
	bool comma; /* a value stands before this place in the same object or array */
};

/* key is NULL inside an array and at the top. */
void json_object(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_array(struct json *json, const char *key);
void json_end_array(struct json *json);
void json_string(struct json *json, const char *key, const char *value);
void json_integer(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_number(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);

/* Prints the document and a newline, and frees it. False when stream does not take it. */
bool json_print(struct json *json, FILE *stream);

#endif
