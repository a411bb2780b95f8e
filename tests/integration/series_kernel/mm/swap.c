int swap(void)
{
	int unused;

	return 0;
}
