// What the hand-written echo loops share: the socket, the connections, and one echo.
//
// They are the yardstick for the coroutine server: the least that a single-threaded, non-blocking,
// level-triggered server over one system call has to do. One recv into a shared buffer, one send;
// what the kernel does not take at once is kept until there is room. One loop is one program.

#ifndef RAW_H
#define RAW_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1 << 16, BUFFER_SIZE = 64 << 10 };

// What a connection waits for, or that it is over.
enum outcome { WAIT_TO_READ, WAIT_TO_WRITE, FINISHED };

// Bytes that the kernel has not taken yet, by descriptor.
static struct { char *bytes; size_t count; } pending[MAX_CONNECTIONS];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void quit(int signal) {
    (void)signal;
    _exit(0);
}

// Rounds of a loop that each message costs on top: a server that is so much worse, for `slices.py`.
static long spins;

static void spin(long rounds) {
    for (volatile long round = 0; round < rounds; round++) {}
}

// Finds out how many rounds take so many nanoseconds of this processor.
static long calibrated(long nanoseconds) {
    const long rounds = 20 * 1000 * 1000;
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    spin(rounds);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    double took = (after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec);
    return (long)(rounds / took * nanoseconds);
}

// Where a socket is to be: `HOST:PORT`, `udp:HOST:PORT`, `unix:PATH`, `unix:@NAME`, or `unix:` for
// a free name.
struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } address;
    socklen_t length;
    int type;
};

static struct place place_of(char *text) {
    struct place place = {.length = sizeof place.address.in, .type = SOCK_STREAM};
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un *un = &place.address.un;
        size_t count = strlen(text += 5);
        if (count >= sizeof un->sun_path) fail("--listen unix:PATH");
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, text, count);
        if (*text == '@') un->sun_path[0] = 0;
        else if (count > 0) count++;
        place.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count);
        return place;
    }
    if (strncmp(text, "udp:", 4) == 0) {
        place.type = SOCK_DGRAM;
        text += 4;
    }
    char *colon = strrchr(text, ':');
    if (!colon) fail("--listen HOST:PORT");
    *colon = 0;
    place.address.in.sin_family = AF_INET;
    if (inet_pton(AF_INET, text, &place.address.in.sin_addr) != 1) fail("--listen HOST:PORT");
    place.address.in.sin_port = htons((unsigned short)atoi(colon + 1));
    return place;
}

// Says where the socket is, on one line.
static void say_ready(int descriptor, const char *driver) {
    struct place place = {.length = sizeof place.address};
    socklen_t size = sizeof place.type;
    getsockname(descriptor, &place.address.any, &place.length);
    getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &place.type, &size);
    if (place.address.any.sa_family == AF_UNIX) {
        int count = (int)(place.length - offsetof(struct sockaddr_un, sun_path));
        char *name = place.address.un.sun_path;
        if (*name == 0) *name = '@';
        printf("listening on unix:%.*s (raw, %s)\n", count, name, driver);
    } else {
        char host[INET_ADDRSTRLEN];
        inet_ntop(AF_INET, &place.address.in.sin_addr, host, sizeof host);
        printf("listening on %s%s:%d (raw, %s)\n", place.type == SOCK_DGRAM ? "udp:" : "", host,
               ntohs(place.address.in.sin_port), driver);
    }
    fflush(stdout);
}

// Opens a socket where `--listen` says, raises the limit on descriptors and says where it is.
// `--spin NANOSECONDS` behind it makes each message so much dearer.
static int listen_as_told(int count, char **arguments, const char *driver) {
    static char usual[] = "127.0.0.1:7788";
    if (count == 5 && strcmp(arguments[3], "--spin") == 0) spins = calibrated(atol(arguments[4]));
    int is_told = count >= 3 && strcmp(arguments[1], "--listen") == 0;
    struct place place = place_of(is_told ? arguments[2] : usual);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGTERM, quit);
    signal(SIGINT, quit);

    int flags = SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1, room = 1 << 20;
    int descriptor = socket(place.address.any.sa_family, place.type | flags, 0);
    if (place.type == SOCK_DGRAM)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    else
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, &place.address.any, place.length) != 0) fail("bind");
    if (place.type == SOCK_STREAM && listen(descriptor, 4096) != 0) fail("listen");
    say_ready(descriptor, driver);
    return descriptor;
}

// Takes one connection from the queue; -1 when there is none.
static int accept_one(int listener) {
    int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (connection < 0) return -1;
    if (connection >= MAX_CONNECTIONS) {
        close(connection);
        return -1;
    }
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

static enum outcome finish(int connection) {
    free(pending[connection].bytes);
    pending[connection].bytes = NULL;
    pending[connection].count = 0;
    close(connection);
    return FINISHED;
}

// Hands bytes to the kernel; what it does not take becomes what is pending.
static enum outcome hand_over(int connection, const char *bytes, size_t count) {
    ssize_t taken = send(connection, bytes, count, MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) return finish(connection);
    if (taken < 0) taken = 0;
    size_t left = count - (size_t)taken;
    char *rest = NULL;
    if (left > 0) {
        rest = malloc(left);
        if (!rest) return finish(connection);
        memcpy(rest, bytes + taken, left);
    }
    free(pending[connection].bytes);
    pending[connection].bytes = rest;
    pending[connection].count = left;
    return left > 0 ? WAIT_TO_WRITE : WAIT_TO_READ;
}

// Makes what progress one readiness allows: writes what is pending, or echoes one read.
static enum outcome echo(int connection) {
    static char buffer[BUFFER_SIZE];
    if (pending[connection].count > 0)
        return hand_over(connection, pending[connection].bytes, pending[connection].count);
    ssize_t count = recv(connection, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EAGAIN) return WAIT_TO_READ;
    if (count <= 0) return finish(connection);
    if (spins > 0) spin(spins);
    return hand_over(connection, buffer, (size_t)count);
}

#endif
