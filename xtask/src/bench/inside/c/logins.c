// SPDX-License-Identifier: MIT OR Apache-2.0
// Opens sessions, one after the other, each in a process of its own as sshd does it, and prints how many instructions that took. What is
// counted is the call of pam_open_session alone, which is the whole of the service's stack; or, for `cgroup:DIRECTORY`, making a cgroup
// there and moving in, without PAM.
//
// With `stay` each process becomes one that waits for ever, so that the session stays open; this program then prints `open` and waits too,
// and whoever ends it ends them. With `leave` the session is closed at once.
//
// libpam's header is in no package of the guest, so what is called stands here; see pam_start(3), pam_open_session(3).
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct pam_handle pam_handle_t;
struct pam_message;
struct pam_response;
struct pam_conv {
    int (*conv)(int, const struct pam_message **, struct pam_response **, void *);
    void *data;
};
extern int pam_start(const char *service, const char *user, const struct pam_conv *, pam_handle_t **);
extern int pam_open_session(pam_handle_t *, int flags);
extern int pam_close_session(pam_handle_t *, int flags);
extern int pam_end(pam_handle_t *, int status);
extern const char *pam_strerror(pam_handle_t *, int status);

enum { PAM_CONV_ERR = 19, PAUSE_US = 50000 };

static int nobody(int count, const struct pam_message **messages, struct pam_response **responses, void *data) {
    (void)count, (void)messages, (void)responses, (void)data;
    return PAM_CONV_ERR;
}

static unsigned long now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now)) err(1, "clock_gettime");
    return now.tv_sec * 1000000000UL + now.tv_nsec;
}

static void enter(const char *parent, unsigned long number) {
    char path[512];
    snprintf(path, sizeof path, "%s/plain-%lu", parent, number);
    if (mkdir(path, 0755)) err(1, "%s", path);
    strncat(path, "/cgroup.procs", sizeof path - strlen(path) - 1);
    int procs = open(path, O_WRONLY | O_CLOEXEC);
    if (procs < 0 || write(procs, "0", 1) != 1) err(1, "%s", path);
    close(procs);
}

// What a child does; `result` is where its number goes.
static void be_a_session(const char *service, const char *user, unsigned long number, int stay, char **waiting, int result) {
    static const char plain[] = "cgroup:";
    pam_handle_t *handle = NULL;
    struct pam_conv conversation = {nobody, NULL};
    int is_plain = strncmp(service, plain, sizeof plain - 1) == 0;
    int status = is_plain ? 0 : pam_start(service, user, &conversation, &handle);
    if (status) errx(1, "pam_start: status %d", status);
    unsigned long begin = now_ns();
    if (is_plain) {
        enter(service + sizeof plain - 1, number);
    } else {
        status = pam_open_session(handle, 0);
    }
    unsigned long took = now_ns() - begin;
    if (status) errx(1, "pam_open_session: %s", pam_strerror(handle, status));
    if (write(result, &took, sizeof took) != sizeof took) err(1, "telling");
    if (stay) {
        execv(waiting[0], waiting);
        err(1, "%s", waiting[0]);
    }
    if (!is_plain) {
        status = pam_close_session(handle, 0);
        pam_end(handle, status);
    }
    _exit(0);
}

int main(int argc, char **argv) {
    if (argc != 7) errx(2, "usage: logins SERVICE USER FIRST COUNT stay|leave PROGRAM-THAT-WAITS");
    unsigned long first = strtoul(argv[3], NULL, 10), count = strtoul(argv[4], NULL, 10);
    int stay = strcmp(argv[5], "stay") == 0;
    for (unsigned long number = first; number < first + count; number++) {
        unsigned long took;
        int status = 0, results[2];
        if (pipe2(results, O_CLOEXEC)) err(1, "pipe2");
        pid_t child = fork();
        if (child < 0) err(1, "fork");
        if (child == 0) be_a_session(argv[1], argv[2], number, stay, argv + 6, results[1]);
        close(results[1]);
        // The end of one that fails is the end of its pipe.
        if (read(results[0], &took, sizeof took) != sizeof took) errx(1, "login %lu failed", number);
        close(results[0]);
        printf("instructions %lu\n", took);
        if (stay) continue;
        if (waitpid(child, &status, 0) != child || status != 0) errx(1, "leaving session %lu failed", number);
        // What its end makes to do is not to be counted as the next one's beginning.
        usleep(PAUSE_US);
    }
    printf("open\n");
    fflush(stdout);
    if (stay) pause();
    return 0;
}
