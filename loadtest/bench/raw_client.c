// The least that a closed-loop client over epoll(7) has to do: the yardstick for the generator.
//
//     raw_client HOST PORT CONNECTIONS SECONDS
//
// Every connection sends 64 bytes, waits for as many, and sends again. No clock is read for a
// request, no byte is compared, nothing is recorded. It prints the requests and the CPU time of the
// process in the timed part as JSON.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 64, MAX_DESCRIPTORS = 1 << 16 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    static struct epoll_event ready[1024];
    static int missing[MAX_DESCRIPTORS];
    static char request[SIZE], buffer[65536];
    if (count != 5) {
        fprintf(stderr, "usage: raw_client HOST PORT CONNECTIONS SECONDS\n");
        return 64;
    }
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((unsigned short)atoi(arguments[2]));
    if (inet_pton(AF_INET, arguments[1], &address.sin_addr) != 1) fail(arguments[1]);
    int connections = atoi(arguments[3]), instance = epoll_create1(EPOLL_CLOEXEC), on = 1;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    for (int index = 0; index < connections; index++) {
        int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (one < 0 || one >= MAX_DESCRIPTORS) fail("socket");
        if (connect(one, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
        setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = one};
        if (epoll_ctl(instance, EPOLL_CTL_ADD, one, &event) != 0) fail("epoll_ctl");
        missing[one] = SIZE;
        if (send(one, request, SIZE, MSG_NOSIGNAL) != SIZE) fail("send");
    }

    double end = seconds(CLOCK_MONOTONIC) + atof(arguments[4]);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    long answered = 0;
    while (seconds(CLOCK_MONOTONIC) < end) {
        int found = epoll_wait(instance, ready, 1024, 100);
        for (int index = 0; index < found; index++) {
            int one = ready[index].data.fd;
            ssize_t got = recv(one, buffer, sizeof buffer, MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN) continue;
            if (got <= 0) fail("recv");
            missing[one] -= (int)got;
            if (missing[one] > 0) continue;
            missing[one] = SIZE;
            answered++;
            if (send(one, request, SIZE, MSG_NOSIGNAL | MSG_DONTWAIT) != SIZE) fail("send");
        }
    }
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"answered\": %ld, \"cpu_us\": %.4f}\n", answered, cpu / (double)answered * 1e6);
    return 0;
}
