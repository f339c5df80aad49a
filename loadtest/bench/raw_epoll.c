// The echo service as a hand-written loop over epoll(7).

#include "raw.h"
#include <sys/epoll.h>

static int instance;

static void watch(int operation, int descriptor, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    if (epoll_ctl(instance, operation, descriptor, &event) != 0) fail("epoll_ctl");
}

int main(int count, char **arguments) {
    static unsigned watched[MAX_CONNECTIONS];
    static struct epoll_event ready[1024];
    int listener = listen_as_told(count, arguments, "epoll");
    instance = epoll_create1(EPOLL_CLOEXEC);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int found = epoll_wait(instance, ready, 1024, -1);
        for (int index = 0; index < found; index++) {
            int descriptor = ready[index].data.fd;
            if (descriptor == listener) {
                int connection;
                while ((connection = accept_one(listener)) >= 0) {
                    watched[connection] = EPOLLIN;
                    watch(EPOLL_CTL_ADD, connection, EPOLLIN);
                }
                continue;
            }
            enum outcome outcome = echo(descriptor);
            unsigned wanted = outcome == WAIT_TO_WRITE ? EPOLLOUT : EPOLLIN;
            if (outcome == FINISHED || wanted == watched[descriptor]) continue;
            watched[descriptor] = wanted;
            watch(EPOLL_CTL_MOD, descriptor, wanted);
        }
    }
}
