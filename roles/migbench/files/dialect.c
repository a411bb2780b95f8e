// SPDX-License-Identifier: MIT
#include "dialect.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "syscalls.h"
#include "sysfs.h"

static struct dialect *first_dialect;

/* The kernel checks flags first, so a call without pages fails only for an unknown flag. */
static bool kernel_accepts_flag(int flag)
{
	return sys_move_pages(0, NULL, NULL, NULL, flag) == 0;
}

const struct prober REAL_KERNEL = {.root = "", .accepts_flag = kernel_accepts_flag};

void dialect_register(struct dialect *dialect)
{
	struct dialect **at = &first_dialect;

	while (*at && (*at)->rank <= dialect->rank)
		at = &(*at)->next;
	dialect->next = *at;
	*at = dialect;
}

static const char *rooted(const struct prober *prober, const char *path, char full[PATH_MAX])
{
	snprintf(full, PATH_MAX, "%s%s", prober->root, path);
	return full;
}

bool probe_exists(const struct prober *prober, const char *path)
{
	char full[PATH_MAX];

	return path_exists(rooted(prober, path, full));
}

bool probe_number(const struct prober *prober, const char *path, uint64_t *number)
{
	char full[PATH_MAX];

	return read_number(rooted(prober, path, full), number);
}

bool probe_text(const struct prober *prober, const char *path, char *text, size_t size)
{
	char full[PATH_MAX];

	return read_text(rooted(prober, path, full), text, size);
}

struct dialect *dialect_detect(const struct prober *prober, char *evidence, size_t size)
{
	for (struct dialect *dialect = first_dialect; dialect; dialect = dialect->next)
		if (dialect->detect(dialect, prober, evidence, size))
			return dialect;
	return NULL;
}

/* The symbol has an architecture prefix, such as __x64_sys_exchange_pages. */
static bool kernel_has_exchange(const struct prober *prober)
{
	char full[PATH_MAX], line[512];
	bool found = false;
	FILE *file = fopen(rooted(prober, "/proc/kallsyms", full), "re");

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		const char *name = strstr(line, "sys_exchange_pages");

		found = name && name[strlen("sys_exchange_pages")] == '\n';
	}
	fclose(file);
	return found;
}

static bool select_exchange(const struct dialect *dialect, const struct prober *prober,
			    uint64_t given, struct selection *selection, struct verdict *verdict)
{
	uint64_t number = dialect->exchange_number ? dialect->exchange_number : given;

	if (!dialect->has_exchange)
		return verdict_set(verdict, STATUS_UNSUPPORTED,
				   "this kernel (%s) has no exchange_pages system call",
				   dialect->name);
	if (!dialect->exchange_number && !kernel_has_exchange(prober))
		return verdict_set(verdict, STATUS_UNSUPPORTED,
				   "sys_exchange_pages not found in /proc/kallsyms");
	if (number == 0)
		return verdict_set(verdict, STATUS_UNSUPPORTED,
				   "system call number of exchange_pages unknown: "
				   "set --exchange-number from this kernel's system call table");
	if (given && given != number)
		return verdict_set(verdict, STATUS_DISTURBED,
				   "--exchange-number=%" PRIu64
				   " does not match this kernel's number %" PRIu64,
				   given, number);
	selection->exchange_number = (long)number;
	selection->exchange_reports_status = dialect->exchange_number != 0;
	return true;
}

/* The flag for each feature, in the order of the bits. */
static int flag_of(const struct dialect *dialect, unsigned feature)
{
	switch (feature) {
	case FEATURE_THREADS:
		return dialect->flag_threads;
	case FEATURE_BATCH:
		return dialect->flag_batch;
	case FEATURE_DMA:
		return dialect->flag_dma;
	default:
		return 0;
	}
}

static bool select_flags(const struct dialect *dialect, const struct prober *prober,
			 unsigned features, struct selection *selection)
{
	for (unsigned feature = FEATURE_THREADS; feature <= FEATURE_DMA; feature *= 2) {
		int flag = flag_of(dialect, feature);

		if (!(features & feature))
			continue;
		if (flag == 0 || !prober->accepts_flag(flag))
			return false;
		selection->flags |= flag;
	}
	return true;
}

static bool require_on(const struct prober *prober, const char *path, struct verdict *verdict)
{
	uint64_t value;

	if (probe_number(prober, path, &value) && value != 0)
		return true;
	return verdict_set(verdict, STATUS_DISTURBED, "%s is 0; this mode requires 1", path);
}

static bool needs_are_met(const struct dialect *dialect, const struct prober *prober,
			  unsigned features, struct verdict *verdict)
{
	for (const struct accel_switch *need = dialect->needs; need && need->path; need++)
		if ((features & need->features) == need->features &&
		    !require_on(prober, need->path, verdict))
			return false;
	return true;
}

static bool has_channels(const struct dialect *dialect, unsigned features, struct verdict *verdict)
{
	if (!(features & FEATURE_DMA) || !dialect->dma.reported || dialect->dma.channels > 0)
		return true;
	return verdict_set(verdict, STATUS_UNSUPPORTED, "no DMA channel available for page copies");
}

static bool select_switch(const struct dialect *dialect, const struct prober *prober,
			  unsigned features, struct selection *selection, struct verdict *verdict)
{
	const struct accel_switch *at = dialect->switches;

	while (at && at->path && (at->features != features || !probe_exists(prober, at->path)))
		at++;
	if (!at || !at->path)
		return verdict_set(verdict, STATUS_UNSUPPORTED,
				   "this kernel (%s) has no flag and no switch for this mode",
				   dialect->name);
	if (!require_on(prober, at->path, verdict))
		return false;
	selection->switch_path = at->path;
	return true;
}

bool dialect_select(const struct dialect *dialect, const struct prober *prober, unsigned features,
		    uint64_t exchange_number, struct selection *selection, struct verdict *verdict)
{
	unsigned copying = features & ~(unsigned)FEATURE_EXCHANGE;

	*selection = (struct selection){.flags = MPOL_MF_MOVE};
	if (features & FEATURE_EXCHANGE &&
	    !select_exchange(dialect, prober, exchange_number, selection, verdict))
		return false;
	if (select_flags(dialect, prober, copying, selection))
		return has_channels(dialect, copying, verdict) &&
		       needs_are_met(dialect, prober, copying, verdict);
	selection->flags = MPOL_MF_MOVE;
	return select_switch(dialect, prober, copying, selection, verdict);
}

unsigned dialect_threads(const struct dialect *dialect, const struct prober *prober,
			 unsigned node_cpus)
{
	uint64_t knob = 0;

	for (const char *const *path = dialect->thread_knobs; path && *path; path++)
		if (probe_number(prober, *path, &knob))
			break;
	return dialect->thread_count ? dialect->thread_count((unsigned)knob, node_cpus)
				     : (unsigned)knob;
}

static void knob_json(const struct prober *prober, const char *path, struct json *json)
{
	char text[128];

	if (probe_text(prober, path, text, sizeof(text)))
		json_string(json, path, text);
}

void dialect_json(const struct dialect *dialect, const struct prober *prober, const char *evidence,
		  struct json *json)
{
	json_object(json, "dialect");
	json_string(json, "name", dialect->name);
	json_string(json, "evidence", evidence);
	json_object(json, "knobs");
	for (const struct accel_switch *at = dialect->switches; at && at->path; at++)
		knob_json(prober, at->path, json);
	for (const char *const *path = dialect->thread_knobs; path && *path; path++)
		knob_json(prober, *path, json);
	for (const char *const *path = dialect->knobs; path && *path; path++)
		knob_json(prober, *path, json);
	json_end_object(json);
	if (dialect->dma.reported) {
		json_object(json, "dma");
		json_unsigned(json, "channels", dialect->dma.channels);
		json_string(json, "engine", dialect->dma.engine);
		json_bool(json, "software", dialect->dma.software);
		json_end_object(json);
	}
	json_end_object(json);
}
