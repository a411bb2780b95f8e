// SPDX-License-Identifier: MIT
#include "check.h"
#include "options.h"
#include "size.h"

static bool parse(struct options *options, char *first, char *second)
{
	char *arguments[] = {"migbench", first, second};

	return options_parse(options, second ? 3 : first ? 2 : 1, arguments);
}

static char *const BAD[] = {
	"--page-size=3KB", "--page-size=",	"--pages=0",	      "--pages=-1",
	"--pages=4KiB",	   "--memory=huge",	"--memory=th",	      "--threads",
	"--threads=1e3",   "--latency-probe=2", "--source-node=x",    "--nonsense",
	"--page",	   "pages=4",		"--source-node=1024", "--take-turns=maybe",
};

int main(void)
{
	struct options options;

	CHECK(parse(&options, NULL, NULL));
	CHECK(options.page_size == 4 * KIB && options.pages == 16 && options.threads == 0);
	CHECK(options.source_node == NODE_AUTO && !options.latency_probe && !options.help);
	CHECK_TEXT(options.memory, "auto");

	CHECK(parse(&options, "--page-size=2MiB", "--latency-probe"));
	CHECK(options.page_size == 2 * MIB && options.latency_probe);
	CHECK(parse(&options, "--page-size=base", NULL) && options.page_size == PAGE_SIZE_BASE);
	CHECK(parse(&options, "--page-size=huge", NULL) && options.page_size == PAGE_SIZE_HUGE);
	CHECK(parse(&options, "--pages", "7"));
	CHECK(options.pages == 7);
	CHECK(parse(&options, "--latency-probe=true", "--victim=false"));
	CHECK(options.latency_probe && !options.victim);
	CHECK(parse(&options, "--latency-probe=0", "--memory=hugetlb"));
	CHECK(!options.latency_probe);
	CHECK_TEXT(options.memory, "hugetlb");
	CHECK(parse(&options, "--target-node=auto", "--source-node=3"));
	CHECK(options.target_node == NODE_AUTO && options.source_node == 3);

	for (size_t i = 0; i < COUNT(BAD); i++)
		CHECK(!parse(&options, BAD[i], NULL));
	return 0;
}
