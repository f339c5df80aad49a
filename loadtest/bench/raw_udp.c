// The echo service over UDP as a hand-written loop: recvfrom(2) and sendto(2) on one socket, and
// epoll(7) when nothing has come.

#include "raw.h"
#include <sys/epoll.h>

int main(int count, char **arguments) {
    static char buffer[BUFFER_SIZE];
    int descriptor = listen_as_told(count, arguments, "udp");
    int instance = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor}, ready;
    if (epoll_ctl(instance, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
    for (;;) {
        struct sockaddr_in sender;
        socklen_t length = sizeof sender;
        ssize_t size = recvfrom(
            descriptor, buffer, sizeof buffer, 0, (struct sockaddr *)&sender, &length);
        if (size < 0) {
            epoll_wait(instance, &ready, 1, -1);
            continue;
        }
        if (spins) spin(spins);
        sendto(descriptor, buffer, (size_t)size, MSG_NOSIGNAL, (struct sockaddr *)&sender, length);
    }
}
