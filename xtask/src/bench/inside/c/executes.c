// SPDX-License-Identifier: MIT OR Apache-2.0
// fork, execve and wait, again and again; prints how many instructions one of them took, for each round. Libraries that are preloaded see
// execve here, which they do not where a program is started by posix_spawn. DAEMON names the cpu.stat of a cgroup: how much of it was
// that cgroup's is printed then, too.
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static unsigned long now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now)) err(1, "clock_gettime");
    return now.tv_sec * 1000000000UL + now.tv_nsec;
}

static void once(char **command) {
    int status;
    pid_t child = fork();
    if (child < 0) err(1, "fork");
    if (child == 0) {
        execve(command[0], command, environ);
        _exit(127);
    }
    if (waitpid(child, &status, 0) != child) err(1, "waitpid");
    if (status != 0) errx(1, "%s ended with status %#x", command[0], status);
}

// A clock that does one instruction in a nanosecond has whole microseconds here.
static unsigned long used_ns(const char *cpu_stat) {
    unsigned long used_us = 0;
    char line[128];
    if (!cpu_stat) return 0;
    FILE *file = fopen(cpu_stat, "r");
    if (!file) err(1, "%s", cpu_stat);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "usage_usec %lu", &used_us) == 1) break;
    fclose(file);
    return used_us * 1000;
}

int main(int argc, char **argv) {
    const char *daemon = getenv("DAEMON");
    if (argc < 4) errx(2, "usage: executes ROUNDS RUNS COMMAND...");
    unsigned long rounds = strtoul(argv[1], NULL, 10), runs = strtoul(argv[2], NULL, 10);
    if (runs == 0) errx(2, "no runs");
    for (unsigned long round = 0; round < rounds; round++) {
        unsigned long used = used_ns(daemon), begin = now_ns();
        for (unsigned long run = 0; run < runs; run++) once(argv + 3);
        unsigned long took = now_ns() - begin;
        printf("instructions %lu\n", took / runs);
        if (daemon) printf("without the daemon %lu\n", (took - (used_ns(daemon) - used)) / runs);
    }
    return 0;
}
