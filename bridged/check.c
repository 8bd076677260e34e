/* SPDX-License-Identifier: ISC */
#include "compat.h"

#include "check.h"

int
check_main(const char *file, int argc, char **argv)
{
	(void)file;
	(void)argc;
	(void)argv;
	return 0;
}
