// SPDX-License-Identifier: MIT
#include "options.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "levenshtein.h"
#include "size.h"

enum option_type { TYPE_WORD, TYPE_SIZE, TYPE_COUNT, TYPE_NODE, TYPE_SWITCH, TYPE_COMMAND };

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	const char *default_value;
	uint64_t min, max;
	const char *choices; /* separated by "|"; NULL: any word */
	const char *help;
};

#define FIELD(field) offsetof(struct options, field)

static const struct option OPTIONS[] = {
	{"mode", TYPE_WORD, FIELD(mode), "serial", 0, 0, NULL, "migration mode, see --list-modes"},
	{"page-size", TYPE_SIZE, FIELD(page_size), "4KiB", KIB, 16 * GIB, NULL,
	 "page size with unit; base and huge are those of the machine; a smaller size than that of "
	 "a "
	 "base page is that of a base page"},
	{"memory", TYPE_WORD, FIELD(memory), "auto", 0, 0, "auto|base|thp|hugetlb|shmem",
	 "kind of memory; auto: base for the base page size, otherwise thp"},
	{"pages", TYPE_COUNT, FIELD(pages), "16", 1, UINT64_C(1) << 28, NULL,
	 "number of pages; in modes with two lists, of each list"},
	{"threads", TYPE_COUNT, FIELD(threads), "0", 0, 1024, NULL,
	 "number of threads; 0: one, or the kernel's setting"},
	{"source-node", TYPE_NODE, FIELD(source_node), "auto", 0, 1023, NULL,
	 "source node; auto: the first with memory and CPUs"},
	{"target-node", TYPE_NODE, FIELD(target_node), "auto", 0, 1023, NULL,
	 "target node; auto: the first other node with memory"},
	{"cpu-node", TYPE_WORD, FIELD(cpu_node), "auto", 0, 0, "auto|source|target",
	 "node whose CPUs run the calling threads; auto: the source node, or the target node if "
	 "the "
	 "source node has no CPU"},
	{"settle-ms", TYPE_COUNT, FIELD(settle_ms), "100", 0, 600000, NULL,
	 "milliseconds between the two checks of the contents after the call"},
	{"warmup-pages", TYPE_COUNT, FIELD(warmup_pages), "1", 0, 65536, NULL,
	 "number of pages of the warm-up pass; 0: no warm-up"},
	{"latency-probe", TYPE_SWITCH, FIELD(latency_probe), "0", 0, 1, NULL,
	 "poll the first page on another CPU and measure how long it is not accessible"},
	{"victim", TYPE_SWITCH, FIELD(victim), "0", 0, 1, NULL,
	 "run a busy thread on another CPU, of the target node if free, and measure its slowdown"},
	{"with-copy", TYPE_SWITCH, FIELD(with_copy), "0", 0, 1, NULL,
	 "also time a memcpy of the same size and number of threads, for the efficiency"},
	{"dialect", TYPE_WORD, FIELD(dialect), "auto", 0, 0, NULL,
	 "expected page-migration ABI of the kernel; unsupported if it has another one"},
	{"take-turns", TYPE_WORD, FIELD(take_turns), "auto", 0, 0, "auto|yes|no",
	 "set take_turns in debugfs, so that copy threads of the kernel run one by one, and report "
	 "modelled metrics; auto: yes if ORCHESTRATE_CLOCK is instructions"},
	{"exchange-number", TYPE_COUNT, FIELD(exchange_number), "0", 0, 100000, NULL,
	 "system call number of exchange_pages, for kernels that do not report it"},
	{"list-modes", TYPE_COMMAND, FIELD(list_modes), "0", 0, 1, NULL, "print the modes as JSON"},
	{"list-options", TYPE_COMMAND, FIELD(list_options), "0", 0, 1, NULL,
	 "print the options as JSON"},
	{"list-metrics", TYPE_COMMAND, FIELD(list_metrics), "0", 0, 1, NULL,
	 "print the metrics as JSON"},
	{"probe", TYPE_COMMAND, FIELD(probe), "0", 0, 1, NULL,
	 "print the dialect of this kernel and the supported modes as JSON"},
	{"version", TYPE_COMMAND, FIELD(version), "0", 0, 1, NULL, "print the version"},
	{"help", TYPE_COMMAND, FIELD(help), "0", 0, 1, NULL, "print this help"},
};

#define OPTION_COUNT (sizeof(OPTIONS) / sizeof(OPTIONS[0]))

static const char *const TYPE_NAMES[] = {
	[TYPE_WORD] = "string", [TYPE_SIZE] = "size",	[TYPE_COUNT] = "integer",
	[TYPE_NODE] = "node",	[TYPE_SWITCH] = "bool", [TYPE_COMMAND] = "command",
};

static bool is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);

	for (const char *at = choices; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, value, length) == 0 && (at[length] == '|' || at[length] == '\0'))
			return true;
	}
	return false;
}

static bool reject_value(const struct option *option, const char *value)
{
	char low[SIZE_TEXT], high[SIZE_TEXT];

	fprintf(stderr, "migbench: --%s=%s: expected ", option->name, value);
	if (option->choices)
		fprintf(stderr, "one of %s\n", option->choices);
	else if (option->type == TYPE_SIZE)
		fprintf(stderr, "base, huge, or a size such as 4KiB, 2MiB or 1GiB, from %s to %s\n",
			size_format(option->min, low), size_format(option->max, high));
	else if (option->type == TYPE_NODE)
		fprintf(stderr, "auto or a node number\n");
	else if (option->type == TYPE_SWITCH)
		fprintf(stderr, "one of 0, 1, false, true\n");
	else
		fprintf(stderr, "a whole number from %llu to %llu\n",
			(unsigned long long)option->min, (unsigned long long)option->max);
	return false;
}

static bool in_range(const struct option *option, uint64_t number)
{
	return number >= option->min && number <= option->max;
}

static bool bool_parse(const char *text, bool *value)
{
	*value = strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0;
	return *value || strcmp(text, "0") == 0 || strcasecmp(text, "false") == 0;
}

static bool assign(struct options *options, const struct option *option, const char *value)
{
	char *field = (char *)options + option->offset;
	uint64_t number = 0;

	switch (option->type) {
	case TYPE_WORD:
		if (!*value || (option->choices && !is_choice(option->choices, value)))
			return reject_value(option, value);
		*(const char **)field = value;
		return true;
	case TYPE_SIZE:
		if (strcmp(value, "base") == 0 || strcmp(value, "huge") == 0) {
			*(uint64_t *)field = *value == 'b' ? PAGE_SIZE_BASE : PAGE_SIZE_HUGE;
			return true;
		}
		if (!size_parse(value, &number) || !in_range(option, number))
			return reject_value(option, value);
		*(uint64_t *)field = number;
		return true;
	case TYPE_NODE:
		if (strcmp(value, "auto") == 0) {
			*(int *)field = NODE_AUTO;
			return true;
		}
		if (!number_parse(value, &number) || !in_range(option, number))
			return reject_value(option, value);
		*(int *)field = (int)number;
		return true;
	case TYPE_COUNT:
		if (!number_parse(value, &number) || !in_range(option, number))
			return reject_value(option, value);
		*(uint64_t *)field = number;
		return true;
	default:
		return bool_parse(value, (bool *)field) || reject_value(option, value);
	}
}

static const struct option *find_option(const char *name, size_t length)
{
	const char *names[OPTION_COUNT];

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		names[i] = OPTIONS[i].name;
		if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
			return &OPTIONS[i];
	}
	fprintf(stderr, "migbench: unrecognized option '--%.*s'; did you mean '--%s'?\n",
		(int)length, name, nearest_name(name, names, OPTION_COUNT));
	return NULL;
}

bool options_parse(struct options *options, int argc, char **argv)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		assign(options, &OPTIONS[i], OPTIONS[i].default_value);
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i] + 2, *value;
		const struct option *option;

		if (strncmp(argv[i], "--", 2) != 0) {
			fprintf(stderr, "migbench: unexpected argument '%s'; use --name=value\n",
				argv[i]);
			return false;
		}
		option = find_option(name, strcspn(name, "="));
		if (!option)
			return false;
		value = strchr(name, '=');
		if (value)
			value++;
		else if (option->type == TYPE_SWITCH || option->type == TYPE_COMMAND)
			value = "1";
		else
			value = i + 1 < argc ? argv[++i] : "";
		if (!assign(options, option, value))
			return false;
	}
	return true;
}

void options_print_help(FILE *stream)
{
	fputs("Usage: migbench [--name=value]...\n"
	      "Time one page migration and verify the result.\n\n",
	      stream);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &OPTIONS[i];

		if (option->type == TYPE_COMMAND)
			fprintf(stream, "  --%-16s %s\n", option->name, option->help);
		else
			fprintf(stream, "  --%-16s %s%s%s%s [%s]\n", option->name, option->help,
				option->choices ? " (" : "", option->choices ? option->choices : "",
				option->choices ? ")" : "", option->default_value);
	}
	fputs("\nPrints one JSON document on one line.\n"
	      "Exit status: 0 ok, 1 failed, 2 usage error, 3 unsupported, 4 disturbed.\n",
	      stream);
}

void options_list(struct json *json)
{
	json_array(json, "options");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &OPTIONS[i];

		json_object(json, NULL);
		json_string(json, "name", option->name);
		json_string(json, "type", TYPE_NAMES[option->type]);
		json_string(json, "default", option->default_value);
		if (option->choices)
			json_string(json, "choices", option->choices);
		if (option->max > 0) {
			json_unsigned(json, "min", option->min);
			json_unsigned(json, "max", option->max);
		}
		json_string(json, "help", option->help);
		json_end_object(json);
	}
	json_end_array(json);
}

static const char *size_word(uint64_t size, char text[SIZE_TEXT])
{
	return size == PAGE_SIZE_BASE	? "base"
	       : size == PAGE_SIZE_HUGE ? "huge"
					: size_format(size, text);
}

static void request_field(const struct options *options, const struct option *option,
			  struct json *json)
{
	const char *field = (const char *)options + option->offset;
	char name[32], text[SIZE_TEXT];

	snprintf(name, sizeof(name), "%s", option->name);
	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : *c;
	switch (option->type) {
	case TYPE_WORD:
		json_string(json, name, *(const char *const *)field);
		break;
	case TYPE_SIZE:
		json_string(json, name, size_word(*(const uint64_t *)field, text));
		break;
	case TYPE_COUNT:
		json_unsigned(json, name, *(const uint64_t *)field);
		break;
	case TYPE_NODE:
		if (*(const int *)field == NODE_AUTO)
			json_string(json, name, "auto");
		else
			json_integer(json, name, *(const int *)field);
		break;
	case TYPE_SWITCH:
		json_bool(json, name, *(const bool *)field);
		break;
	case TYPE_COMMAND:
		break;
	}
}

void options_request(const struct options *options, struct json *json)
{
	json_object(json, "request");
	for (size_t i = 0; i < OPTION_COUNT; i++)
		request_field(options, &OPTIONS[i], json);
	json_end_object(json);
}
