// SPDX-License-Identifier: MIT OR Apache-2.0
// The least that a listener for fanotify's permission events can be: it allows each open and each execution on the file system of its
// argument without looking at it. What it costs, everything costs that decides in user space. See fanotify(7).
//
// It is C because the guest has a compiler for it, and the benchmark itself has no `unsafe`.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int number) {
    (void)number;
    ended = 1;
}

int main(int argc, char **argv) {
    static char events[65536] __attribute__((aligned(8)));
    unsigned long answered = 0;
    struct sigaction action = {.sa_handler = end};
    if (argc != 2) errx(2, "usage: allow-all MOUNTPOINT");
    // Without SA_RESTART: the signal ends the read.
    if (sigaction(SIGTERM, &action, NULL)) err(1, "sigaction");
    int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE | O_CLOEXEC);
    if (group < 0) err(1, "fanotify_init");
    if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM, AT_FDCWD, argv[1]))
        err(1, "fanotify_mark");
    while (!ended) {
        ssize_t left = read(group, events, sizeof events);
        if (left < 0) break;
        for (struct fanotify_event_metadata *event = (void *)events; FAN_EVENT_OK(event, left); event = FAN_EVENT_NEXT(event, left)) {
            if (event->fd < 0) continue;
            struct fanotify_response response = {.fd = event->fd, .response = FAN_ALLOW};
            if (write(group, &response, sizeof response) != sizeof response) err(1, "answering");
            close(event->fd);
            answered++;
        }
    }
    // Nobody is to wait for an answer any more, the writing of this line included.
    close(group);
    printf("answered %lu\n", answered);
    return 0;
}
