#include "CLinux.h"

// What this process was started with, noted before main(), and before code of its own can have
// changed it: that is what the programs that it starts are to get.

static sigset_t ignored;
static unsigned long descriptors;

__attribute__((constructor)) static void note_start(void) {
    sigemptyset(&ignored);
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(&ignored, number);
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) descriptors = limit.rlim_cur;
}

void clinux_ignored_at_start(sigset_t *signals) { *signals = ignored; }

unsigned long clinux_descriptors_at_start(void) { return descriptors; }
