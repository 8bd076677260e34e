#include "compat.h"
#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>
#include "hubkey.h"
#include "timeutil.h"
int
hubkey_load(const char *datadir, unsigned char seed[32])
{
	char path[1200];
	int fd;
	snprintf(path, sizeof(path), "%s/hub-key.tmp", datadir);
	if ((fd = open(path, O_RDONLY)) != -1) {
		if (read(fd, seed, 32) != 32) return -1;
		close(fd);
		return 0;
	}
	random_bytes(seed, 32);
	fd = open(path, O_WRONLY|O_CREAT, 0600);
	(void)!write(fd, seed, 32);
	close(fd);
	return 0;
}
