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
void json_bool(struct json *json, const char *key, bool value);

/* Prints the document and a newline, and frees it. False on a write error. */
bool json_print(struct json *json, FILE *stream);

#endif
