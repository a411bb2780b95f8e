// SPDX-License-Identifier: MIT
#include "snapshot.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_PER_SECOND 100 /* of /proc/stat: USER_HZ, proc(5) */

const struct places HOST_PLACES = {
	.proc = "/proc",
	.nodes = "/sys/devices/system/node",
	.cpus = "/sys/devices/system/cpu",
	.terminals = "/dev/pts",
};

/* Reads FOLDER/NAME; empty if it cannot be read. */
static void read_from(const char *folder, const char *name, struct text *text)
{
	char *path = format("%s/%s", folder, name);

	text_clear(text);
	if (!read_file(path, text))
		text_clear(text);
	free(path);
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Calls take with the number of each entry PREFIXnumber, in the order of numbers. */
static int compare_numbers(const void *one, const void *other)
{
	unsigned long left = *(const unsigned long *)one, right = *(const unsigned long *)other;

	return (left > right) - (left < right);
}

static size_t numbered(const char *folder, const char *prefix, unsigned long **numbers)
{
	size_t length = strlen(prefix), count = 0;
	DIR *stream = opendir(folder);
	struct dirent *entry;

	*numbers = NULL;
	while (stream && (entry = readdir(stream)))
		if (strncmp(entry->d_name, prefix, length) == 0 &&
		    is_number(entry->d_name + length)) {
			*numbers = allocate(*numbers, (count + 1) * sizeof(**numbers));
			(*numbers)[count++] = strtoul(entry->d_name + length, NULL, 10);
		}
	if (stream)
		closedir(stream);
	if (count)
		qsort(*numbers, count, sizeof(**numbers), compare_numbers);
	return count;
}

static size_t count_terminals(const struct places *places)
{
	unsigned long *numbers;
	size_t count = numbered(places->terminals, "", &numbers);

	free(numbers);
	return count;
}

/* Time of guests is part of user and nice: proc(5). There are many lines, and sscanf is slow. */
static bool parse_cpu(const char *line, struct cpu_ticks *cpu)
{
	enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, TIMES };
	uint64_t times[TIMES] = {0};
	size_t length = strcspn(line, " \n"), count = 0;

	if (length >= sizeof(cpu->name))
		return false;
	memcpy(cpu->name, line, length);
	cpu->name[length] = '\0';
	for (line += length; count < TIMES; count++) {
		line += strspn(line, " ");
		if (!isdigit((unsigned char)*line))
			break;
		while (isdigit((unsigned char)*line))
			times[count] = times[count] * 10 + (uint64_t)(*line++ - '0');
	}
	cpu->worked = times[USER] + times[NICE] + times[SYSTEM] + times[IRQ] + times[SOFTIRQ];
	cpu->stolen = times[STEAL];
	return count > SOFTIRQ;
}

size_t cpu_ticks_read(const struct places *places, struct cpu_ticks **cpus)
{
	struct text stat = {0};
	size_t count = 0;
	const char *line;

	read_from(places->proc, "stat", &stat);
	*cpus = NULL;
	for (line = text_bytes(&stat); strncmp(line, "cpu", 3) == 0; line++) {
		*cpus = allocate(*cpus, (count + 1) * sizeof(**cpus));
		if (parse_cpu(line, &(*cpus)[count]))
			count++;
		line = strchr(line, '\n');
		if (!line)
			break;
	}
	text_free(&stat);
	return count;
}

static bool read_number(const char *path, uint64_t *number)
{
	struct text text = {0};
	bool is_read = read_file(path, &text);

	strip_line_ends(&text);
	is_read = is_read && is_number(text_bytes(&text));
	if (is_read)
		*number = strtoull(text.bytes, NULL, 10);
	text_free(&text);
	return is_read;
}

static void add_throttle_counts(struct snapshot *snapshot, unsigned long cpu)
{
	static const char *const names[] = {"core", "package"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = format("%s/cpu%lu/thermal_throttle/%s_throttle_count",
				    snapshot->places->cpus, cpu, names[i]);
		uint64_t count;

		if (!read_number(path, &count)) {
			free(path);
			continue;
		}
		snapshot->throttle =
			allocate(snapshot->throttle,
				 (snapshot->throttles + 1) * sizeof(*snapshot->throttle));
		snapshot->throttle[snapshot->throttles++] = (struct throttle_count){path, count};
	}
}

static void add_nodes(struct snapshot *snapshot)
{
	unsigned long *numbers;
	size_t count = numbered(snapshot->places->nodes, "node", &numbers);

	snapshot->node_meminfo = allocate(NULL, count * sizeof(*snapshot->node_meminfo));
	for (size_t i = 0; i < count; i++) {
		char *name = format("node%lu/meminfo", numbers[i]);
		struct text text = {0};

		read_from(snapshot->places->nodes, name, &text);
		if (text.used)
			snapshot->node_meminfo[snapshot->nodes++] = text;
		else
			text_free(&text);
		free(name);
	}
	free(numbers);
}

void snapshot_take(struct snapshot *snapshot, const struct places *places)
{
	unsigned long *numbers;
	size_t count;

	*snapshot = (struct snapshot){.places = places};
	count = numbered(places->cpus, "cpu", &numbers);
	for (size_t i = 0; i < count; i++)
		add_throttle_counts(snapshot, numbers[i]);
	free(numbers);
	add_nodes(snapshot);
	read_from(places->proc, "loadavg", &snapshot->loadavg);
	read_from(places->proc, "meminfo", &snapshot->meminfo);
	snapshot->terminals = count_terminals(places);
	snapshot->cpus = cpu_ticks_read(places, &snapshot->cpu);
	read_from(places->proc, "vmstat", &snapshot->vmstat); /* last: it is what is measured */
}

void snapshot_free(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->nodes; i++)
		text_free(&snapshot->node_meminfo[i]);
	for (size_t i = 0; i < snapshot->throttles; i++)
		free(snapshot->throttle[i].path);
	free(snapshot->node_meminfo);
	free(snapshot->throttle);
	free(snapshot->cpu);
	text_free(&snapshot->vmstat);
	text_free(&snapshot->loadavg);
	text_free(&snapshot->meminfo);
	*snapshot = (struct snapshot){0};
}

/* Value of a line "NAME VALUE"; both texts have their names in the same order, so next is where the
 * last one was found. */
static bool find_counter(const char *text, const char **next, const char *name, size_t length,
			 uint64_t *value)
{
	for (int round = 0; round < 2; round++, *next = text)
		for (const char *line = *next; *line;) {
			const char *end = strchrnul(line, '\n');

			if (strncmp(line, name, length) == 0 && line[length] == ' ') {
				*value = strtoull(line + length, NULL, 10);
				*next = *end ? end + 1 : end;
				return true;
			}
			line = *end ? end + 1 : end;
		}
	return false;
}

static void compare_counters(const struct snapshot *before, const struct text *now,
			     struct json *json)
{
	const char *next = text_bytes(&before->vmstat), *line, *end;

	json_object(json, "counters");
	for (line = text_bytes(now); *line; line = *end ? end + 1 : end) {
		size_t length = strcspn(line, " \n");
		uint64_t old, new;

		end = strchrnul(line, '\n');
		if (strncmp(next, line, (size_t)(end - line) + 1) == 0) { /* most of them */
			next += end - line + (*end != '\0');
			continue;
		}
		new = strtoull(line + length, NULL, 10);
		if (find_counter(text_bytes(&before->vmstat), &next, line, length, &old) &&
		    new != old) {
			char *name = format("%.*s", (int)length, line);

			json_integer(json, name, (int64_t)(new - old));
			free(name);
		}
	}
	json_end_object(json);
}

/* Hertz, of the CPU that worked most; null if the host does not tell. No other CPU is asked: some
 * kernels take 10 ms for each. */
static void compare_frequency(const struct snapshot *before, const char *busiest, struct json *json)
{
	char *path = format("%s/%s/cpufreq/scaling_cur_freq", before->places->cpus, busiest);
	uint64_t kilohertz;

	if (read_number(path, &kilohertz))
		json_unsigned(json, "frequency", kilohertz * 1000);
	else
		json_null(json, "frequency");
	free(path);
}

static void compare_cpus(const struct snapshot *before, struct json *json)
{
	struct cpu_ticks *now;
	size_t count = cpu_ticks_read(before->places, &now);
	int64_t most = 0, worked = 0, stolen = 0; /* some hypervisors let them go backwards */
	const char *busiest = NULL;

	for (size_t i = 0; i < count && i < before->cpus; i++) {
		int64_t ticks = (int64_t)(now[i].worked - before->cpu[i].worked);

		if (strcmp(now[i].name, "cpu") == 0) {
			worked = ticks;
			stolen = (int64_t)(now[i].stolen - before->cpu[i].stolen);
		} else if (strcmp(now[i].name, before->cpu[i].name) == 0 && ticks > most) {
			most = ticks;
			busiest = now[i].name;
		}
	}
	json_decimal(json, "worked", (double)worked / TICKS_PER_SECOND, 2);
	json_decimal(json, "stolen", (double)stolen / TICKS_PER_SECOND, 2);
	if (busiest)
		compare_frequency(before, busiest, json);
	free(now);
}

static void compare_throttling(const struct snapshot *before, struct json *json)
{
	bool found = false;
	uint64_t sum = 0;

	for (size_t i = 0; i < before->throttles; i++) {
		uint64_t now;

		if (read_number(before->throttle[i].path, &now)) {
			found = true;
			sum += now - before->throttle[i].count;
		}
	}
	if (found)
		json_integer(json, "throttled", (int64_t)sum);
	else
		json_null(json, "throttled");
}

/* Lines "Node 0 MemFree: 12 kB" of a node, "MemFree: 12 kB" of a host. */
static uint64_t find_memory(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

static void add_node(struct json *json, unsigned long node, const struct text *meminfo)
{
	const char *text = text_bytes(meminfo);

	json_object(json, NULL);
	json_unsigned(json, "node", node);
	json_unsigned(
		json, "free_memory",
		1024 * (find_memory(text, "MemFree:") + find_memory(text, "Inactive(file):")));
	json_unsigned(json, "free_huge_pages", find_memory(text, "HugePages_Free:"));
	json_end_object(json);
}

static unsigned long node_of(const struct text *meminfo)
{
	unsigned long node = 0;

	sscanf(text_bytes(meminfo), " Node %lu", &node);
	return node;
}

void snapshot_compare(const struct snapshot *before, struct json *json)
{
	struct text vmstat = {0};
	size_t terminals;

	read_from(before->places->proc, "vmstat", &vmstat);
	terminals = count_terminals(before->places);
	compare_counters(before, &vmstat, json);
	text_free(&vmstat);
	json_object(json, "noise");
	json_decimal(json, "load", strtod(text_bytes(&before->loadavg), NULL), 2);
	compare_cpus(before, json);
	compare_throttling(before, json);
	json_unsigned(json, "logins",
		      terminals > before->terminals ? terminals : before->terminals);
	json_array(json, "nodes");
	for (size_t i = 0; i < before->nodes; i++)
		add_node(json, node_of(&before->node_meminfo[i]), &before->node_meminfo[i]);
	if (!before->nodes) /* a kernel that knows no nodes */
		add_node(json, 0, &before->meminfo);
	json_end_array(json);
	json_end_object(json);
}
