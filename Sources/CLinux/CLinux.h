// What Linux offers and Swift's Glibc module does not import.
//
// Declarations and constants only: nothing here has a body that could hold a decision, and
// nothing needs compiling, so the module is a header and a module map.

#ifndef SWIFTLET_CLINUX_H
#define SWIFTLET_CLINUX_H

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Glibc declares these only under _GNU_SOURCE, which the Swift importer does not define.
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
extern int pipe2(int ends[2], int flags);
extern int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask);

// Both are variadic in C, and Swift imports no variadic function.
static inline int clinux_prctl(int option, unsigned long argument) {
    return prctl(option, argument, 0UL, 0UL, 0UL);
}

// Swift's Glibc module hides fork(2), because a child of a process with several threads may do next
// to nothing. Whoever calls it has one thread.
static inline pid_t clinux_fork(void) { return fork(); }

// pidfd_open(2): as a plain call, because the oldest glibc in use has no name for it.
static inline int clinux_pidfd_open(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0U);
}

// epoll_pwait2(2): as a plain call, for the same reason. The 8 is the kernel's size of a signal
// set, of which there is none.
static inline int clinux_epoll_pwait2(int instance, struct epoll_event *events, int capacity,
                                      const struct timespec *timeout) {
    return (int)syscall(SYS_epoll_pwait2, instance, events, capacity, timeout, 0UL, 8UL);
}

// Asks the processor to fetch a line of memory that will be written; the address may be any.
static inline void clinux_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

// environ(7): a global variable, which Swift takes for shared mutable state.
extern char **environ;
static inline char **clinux_environment(void) { return environ; }

// poll(2): the peer has shut down its writing half. Glibc hides it behind _GNU_SOURCE.
enum { CLINUX_POLLRDHUP = 0x2000 };

#endif
