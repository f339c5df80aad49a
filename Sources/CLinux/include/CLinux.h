// What Linux offers and Swift's Glibc module does not import.
//
// Declarations and constants only: nothing here has a body that could hold a decision. ClockHook.h,
// MainActorHook.h, TaskSuspension.c, SignalHandler.c, Spawn.c and AtStart.c are the exceptions.

#ifndef SWIFTLET_CLINUX_H
#define SWIFTLET_CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Glibc declares these only under _GNU_SOURCE, which the Swift importer does not define.
extern char **environ;
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
extern int pipe2(int ends[2], int flags);
extern int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask);

// Both are variadic in C, and Swift imports no variadic function.
static inline int clinux_prctl(int option, unsigned long argument) {
    return prctl(option, argument, 0UL, 0UL, 0UL);
}

// Swift's Glibc module hides fork(2), because a child of a process with several threads may do next
// to nothing. Only processes with one thread call it.
static inline pid_t clinux_fork(void) { return fork(); }

// pidfd_open(2): as a plain call, because the oldest glibc in use has no name for it.
static inline int clinux_pidfd_open(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0U);
}

// close_range(2) on no descriptor at all, with CLOSE_RANGE_UNSHARE (2): as a plain call, for the
// same reason.
static inline int clinux_unshare_descriptors(void) {
    return (int)syscall(SYS_close_range, ~0U, ~0U, 2U);
}

// epoll_pwait2(2): as a plain call, for the same reason. The 8 is the kernel's size of a signal
// set, of which there is none.
static inline int clinux_epoll_pwait2(int instance, struct epoll_event *events, int capacity,
                                      const struct timespec *timeout) {
    return (int)syscall(SYS_epoll_pwait2, instance, events, capacity, timeout, 0UL, 8UL);
}

// io_uring_setup(2), io_uring_enter(2) and io_uring_register(2), which glibc has no names for.
static inline int clinux_io_uring_setup(unsigned entries, struct io_uring_params *parameters) {
    return (int)syscall(SYS_io_uring_setup, entries, parameters);
}
static inline int clinux_io_uring_enter(int ring, unsigned submitted, unsigned awaited,
                                        unsigned flags, const void *argument, size_t size) {
    return (int)syscall(SYS_io_uring_enter, ring, submitted, awaited, flags, argument, size);
}
static inline int clinux_io_uring_register(int ring, unsigned operation, const void *argument,
                                           unsigned count) {
    return (int)syscall(SYS_io_uring_register, ring, operation, argument, count);
}

// Heads and tails in memory that the kernel shares: a thread that reads a tail sees what was
// written before it. Swift's atomics must own their memory.
static inline unsigned clinux_load_acquire(const unsigned *place) {
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}
static inline void clinux_store_release(unsigned *place, unsigned value) {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}
static inline void clinux_store_release16(unsigned short *place, unsigned short value) {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}

// What <linux/io_uring.h> has learned since Linux 5.15, whose headers are the oldest in use.
enum {
    CLINUX_FEAT_CQE_SKIP = 1 << 11,
    CLINUX_SETUP_SUBMIT_ALL = 1 << 7,
    CLINUX_SETUP_COOP_TASKRUN = 1 << 8,
    CLINUX_SETUP_SINGLE_ISSUER = 1 << 12,
    CLINUX_SETUP_DEFER_TASKRUN = 1 << 13,
    CLINUX_SQE_CQE_SKIP_SUCCESS = 1 << 6,
    CLINUX_ASYNC_CANCEL_ALL = 1 << 0,
    CLINUX_ASYNC_CANCEL_ANY = 1 << 2,
    CLINUX_ACCEPT_MULTISHOT = 1 << 0,
    CLINUX_RECV_MULTISHOT = 1 << 1,
    CLINUX_REGISTER_PBUF_RING = 22,
};

// One buffer that is offered to the kernel; in the first one of a ring, the last field is the tail.
struct clinux_offered_buffer {
    unsigned long long address;
    unsigned length;
    unsigned short number;
    unsigned short tail;
};
// The argument of CLINUX_REGISTER_PBUF_RING.
struct clinux_buffer_ring {
    unsigned long long address;
    unsigned count;
    unsigned short group;
    unsigned short flags;
    unsigned long long reserved[3];
};

// sched_getaffinity(2) and sched_setaffinity(2) of the calling thread, as plain calls: Glibc
// declares them only under _GNU_SOURCE. The first returns how many bytes of the mask it filled.
static inline int clinux_sched_getaffinity(unsigned char *mask, unsigned long size) {
    return (int)syscall(SYS_sched_getaffinity, 0, size, mask);
}
static inline int clinux_sched_setaffinity(const unsigned char *mask, unsigned long size) {
    return (int)syscall(SYS_sched_setaffinity, 0, size, mask);
}

// Asks the processor to fetch a line of memory that will be written; the address may be any.
static inline void clinux_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

// The signals that were ignored before main(), and the soft limit on descriptors (RLIMIT_NOFILE); 0
// where the kernel does not say.
void clinux_ignored_at_start(sigset_t *signals);
unsigned long clinux_descriptors_at_start(void);

// Counts a signal from now on and tells those that listen (sigaction(2)); fills in what was done
// for it before. Returns 0, and changes nothing, for a signal that is ignored or cannot be caught.
int clinux_catch_signal(int number, struct sigaction *before);
// Does for a signal again what was done before, unless other code has said meanwhile what is to be
// done, and returns how often it has come until then. One that comes later does that, even where it
// has chosen the handler already.
unsigned clinux_release_signal(int number, const struct sigaction *before);
// How often a signal has come while it was caught.
unsigned clinux_signal_count(int number);
// Has 8 bytes written to a non-blocking descriptor whenever a caught signal comes; returns a slot,
// or -1 when none is free.
int clinux_add_signal_listener(int descriptor);
// Ends that; from then on the descriptor may be closed.
void clinux_remove_signal_listener(int slot);

// A program to start as a child: a path without a slash is looked for in PATH; null for environment
// or directory is ours; -1 for a stream is the null device. Those of `ignored` alone are ignored;
// `descriptors` is the soft limit on them, 0 for ours.
struct clinux_program {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    int streams[3];
    const sigset_t *ignored;
    unsigned long descriptors;
    _Bool leads_group;
    _Bool ends_with_thread;
};
// Starts it. Returns 0, or the error of the call that failed, and in `step` whether that was to
// enter the directory (1) or another one (0).
int clinux_spawn(pid_t *id, const struct clinux_program *program, int *step);

// The words of the command line, where the kernel has put them: before the environment lie a null
// pointer, the words, and their number (System V ABI, "initial process stack"). Null when that is
// not so: setenv(3) has moved the environment.
static inline char **clinux_arguments(int *count) {
    char **end = environ - 1;
    if (*end != 0) return 0;
    for (long number = 0; number < 1 << 22; number++) {
        if ((long)end[-1 - number] != number) continue;
        *count = (int)number;
        return end - number;
    }
    return 0;
}

// futex(2): sleeps while a word is what it is expected to be, and wakes one thread that sleeps so.
static inline void clinux_futex_wait(const void *word, unsigned expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, (void *)0, (void *)0, 0);
}
static inline void clinux_futex_wake_one(const void *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, (void *)0, (void *)0, 0);
}

// The event loop that the calling thread turns: each call that may wait asks for it, and a variable
// of the thread is told by one instruction. The address is Swift's to understand.
static inline void *clinux_turning_loop(void) {
    extern _Thread_local void *clinux_loop;
    return clinux_loop;
}
static inline void clinux_set_turning_loop(void *loop) {
    extern _Thread_local void *clinux_loop;
    clinux_loop = loop;
}

// Entries of the Swift runtime. The number of a job's task, which no other task of the process ever
// has: its own `ExecutorJob.description` calls it.
extern unsigned long long swift_task_getJobTaskId(const void *job);
// The task that the calling thread runs, and whether a task is cancelled: what
// `withUnsafeCurrentTask` and `UnsafeCurrentTask.isCancelled` call.
extern void *swift_task_getCurrent(void) __attribute__((swiftcall));
extern _Bool swift_task_isCancelled(void *task) __attribute__((swiftcall));

// What a cancellation of the calling task is told to, on any thread, until the record is removed
// that is returned: what `withTaskCancellationHandler` does, without a function for its body. A
// task that is cancelled already is told at once. The record is memory of the task, which takes
// back the last one first.
struct clinux_cancellation {
    void (*handler)(void *argument);
    void *argument;
};
void *clinux_add_cancellation(struct clinux_cancellation *cancellation);
extern void swift_task_removeCancellationHandler(void *record) __attribute__((swiftcall));

// recvmmsg(2) and sendmmsg(2), which glibc declares only under _GNU_SOURCE, with their header.
struct clinux_mmsghdr {
    struct msghdr header;
    unsigned length;
};
static inline int clinux_recvmmsg(int socket, struct clinux_mmsghdr *headers, unsigned count,
                                  int flags) {
    return (int)syscall(SYS_recvmmsg, socket, headers, count, flags, 0UL);
}
static inline int clinux_sendmmsg(int socket, struct clinux_mmsghdr *headers, unsigned count,
                                  int flags) {
    return (int)syscall(SYS_sendmmsg, socket, headers, count, flags);
}

// Several datagrams of one size in one call (udp(7)), of <netinet/udp.h>.
enum { CLINUX_UDP_SEGMENT = 103, CLINUX_UDP_GRO = 104 };

// Writes out what is printed line by line, also to a pipe (setvbuf(3)). Swift takes the variable
// `stdout` for one that other threads may change.
static inline void clinux_print_lines(void) { setvbuf(stdout, 0, _IOLBF, 0); }

// poll(2): the peer has shut down its writing half. Glibc hides it behind _GNU_SOURCE.
enum { CLINUX_POLLRDHUP = 0x2000 };

#endif
