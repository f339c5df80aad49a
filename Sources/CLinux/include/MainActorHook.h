// Where the Swift runtime sends the jobs of the main actor.
//
// The runtime asks a function of the program for the executor of the main actor, when the variable
// below holds one (swift/Runtime/Concurrency.h). An executor is two words, as an
// UnownedSerialExecutor is.

#ifndef SWIFTLET_MAINACTORHOOK_H
#define SWIFTLET_MAINACTORHOOK_H

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
    void *identity;
    void *implementation;
} clinux_executor;

typedef __attribute__((swiftcall)) clinux_executor (*clinux_main_executor)(void);

extern __attribute__((swiftcall)) clinux_executor (*swift_task_getMainExecutor_hook)(
    clinux_main_executor original);

// The executor that takes the main actor's jobs. Each file that uses it would have one of its own:
// only SPI.swift does.
static clinux_executor clinux_main_actor_host = {NULL, NULL};

static __attribute__((swiftcall)) clinux_executor clinux_hosted_main_executor(
    clinux_main_executor original) {
    (void)original;
    return clinux_main_actor_host;
}

// Sends the main actor's jobs to `host`, which is the same in every call and lives for ever.
static inline void clinux_host_main_actor(clinux_executor host) {
    clinux_main_actor_host = host;
    __atomic_store_n(&swift_task_getMainExecutor_hook, &clinux_hosted_main_executor,
                     __ATOMIC_RELEASE);
}

// Sends them where they went before.
static inline void clinux_give_main_actor_back(void) {
    __atomic_store_n(&swift_task_getMainExecutor_hook, NULL, __ATOMIC_RELEASE);
}

// Whether the calling thread is the process's first (gettid(2)).
static inline int clinux_is_main_thread(void) { return getpid() == (pid_t)syscall(SYS_gettid); }

#endif
