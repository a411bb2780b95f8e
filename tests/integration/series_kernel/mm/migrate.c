int one(void)
{
	return 0;
}

int two(void)
{
	int pages = 2;

	return pages;
}

int three(void)
{
	int pages = 3;

	return pages;
}
