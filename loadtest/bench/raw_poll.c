// The echo service as a hand-written loop over poll(2).

#include "raw.h"
#include <poll.h>

int main(int count, char **arguments) {
    // Dense, so that poll scans no holes: the last entry moves into the place of one that is over.
    static struct pollfd entries[MAX_CONNECTIONS];
    nfds_t used = 1;
    entries[0] = (struct pollfd){.fd = listen_as_told(count, arguments, "poll"), .events = POLLIN};
    for (;;) {
        int found = poll(entries, used, -1);
        nfds_t index = used;
        while (found > 0 && --index > 0) {
            if (entries[index].revents == 0) continue;
            found--;
            switch (echo(entries[index].fd)) {
            case WAIT_TO_READ: entries[index].events = POLLIN; break;
            case WAIT_TO_WRITE: entries[index].events = POLLOUT; break;
            case FINISHED: entries[index] = entries[--used]; break;
            }
        }
        int connection;
        if (found <= 0 || entries[0].revents == 0) continue;
        while (used < MAX_CONNECTIONS && (connection = accept_one(entries[0].fd)) >= 0)
            entries[used++] = (struct pollfd){.fd = connection, .events = POLLIN};
    }
}
