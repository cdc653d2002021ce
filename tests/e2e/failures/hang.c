/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A name service that does not answer while /run/e2e/hang is there, as one whose directory server is down. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <grp.h>
#include <unistd.h>

int getgrouplist(const char *user, gid_t group, gid_t *groups, int *count)
{
	int (*next)(const char *, gid_t, gid_t *, int *) = dlsym(RTLD_NEXT, "getgrouplist");
	while (access("/run/e2e/hang", F_OK) == 0)
		usleep(50000);
	return next(user, group, groups, count);
}
