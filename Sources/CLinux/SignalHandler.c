#include "CLinux.h"
#include <sched.h>

// What runs when a signal comes that a program listens for: it counts the signal, and makes a
// descriptor readable for each that listens. Next to nothing is allowed in a handler
// (signal-safety(7)), so it is C: no Swift function promises to take no lock.

enum { SLOTS = 64, SIGNALS = 65 };
// How often each has come while it was caught, by twos; the lowest bit says that it is now.
static unsigned counts[SIGNALS];
// The descriptor and one more; 0 is a free slot.
static int slots[SLOTS];
// Handlers that run now, on whatever threads.
static int running;

static void note(int number) {
    const int before = errno;
    const unsigned long long one = 1;
    __atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
    // Caught no more since the kernel chose this handler: it does again what it did before.
    if (!(__atomic_fetch_add(&counts[number], 2, __ATOMIC_SEQ_CST) & 1)) kill(getpid(), number);
    for (int slot = 0; slot < SLOTS; slot++) {
        const int descriptor = __atomic_load_n(&slots[slot], __ATOMIC_SEQ_CST) - 1;
        // Where there is no room the descriptor is readable already.
        if (descriptor >= 0) (void)!write(descriptor, &one, sizeof one);
    }
    __atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
    errno = before;
}

int clinux_catch_signal(int number, struct sigaction *before) {
    if (sigaction(number, NULL, before) < 0 || before->sa_handler == SIG_IGN) return 0;
    struct sigaction action = {0};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    __atomic_fetch_or(&counts[number], 1, __ATOMIC_SEQ_CST);
    if (sigaction(number, &action, NULL) == 0) return 1;
    __atomic_fetch_and(&counts[number], ~1U, __ATOMIC_SEQ_CST);
    return 0;
}

unsigned clinux_release_signal(int number, const struct sigaction *before) {
    struct sigaction present;
    if (sigaction(number, NULL, &present) == 0 && present.sa_handler == note)
        sigaction(number, before, NULL);
    return __atomic_fetch_and(&counts[number], ~1U, __ATOMIC_SEQ_CST) >> 1;
}

unsigned clinux_signal_count(int number) {
    return __atomic_load_n(&counts[number], __ATOMIC_SEQ_CST) >> 1;
}

int clinux_add_signal_listener(int descriptor) {
    for (int slot = 0; slot < SLOTS; slot++) {
        int unused = 0;
        if (__atomic_compare_exchange_n(&slots[slot], &unused, descriptor + 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return slot;
    }
    return -1;
}

void clinux_remove_signal_listener(int slot) {
    __atomic_store_n(&slots[slot], 0, __ATOMIC_SEQ_CST);
    // A handler on another thread may be about to write to the descriptor, which will be closed.
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) > 0) sched_yield();
}
