// SPDX-License-Identifier: MIT
#include "mode.h"

#include <string.h>

#include "levenshtein.h"

#define MAX_MODES 64

static struct mode *first_mode;

void mode_register(struct mode *mode)
{
	struct mode **at = &first_mode;

	while (*at && (*at)->rank <= mode->rank)
		at = &(*at)->next;
	mode->next = *at;
	*at = mode;
}

struct mode *mode_first(void)
{
	return first_mode;
}

struct mode *mode_find(const char *name, const char **nearest)
{
	const char *names[MAX_MODES];
	size_t count = 0;

	for (struct mode *mode = first_mode; mode; mode = mode->next) {
		if (strcmp(mode->name, name) == 0)
			return mode;
		if (count < MAX_MODES)
			names[count++] = mode->name;
	}
	*nearest = nearest_name(name, names, count);
	return NULL;
}

void modes_list(struct json *json)
{
	json_array(json, "modes");
	for (const struct mode *mode = first_mode; mode; mode = mode->next) {
		json_object(json, NULL);
		json_string(json, "name", mode->name);
		json_bool(json, "any_kernel", mode->features == 0);
		json_bool(json, "user_threads", mode->user_threads);
		json_string(json, "help", mode->help);
		json_end_object(json);
	}
	json_end_array(json);
}
