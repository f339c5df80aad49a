// The suspension of a Swift task at the lowest level that the runtime offers.
//
// swift_task_suspend does "a primitive suspension of the current task, as if part of a
// continuation": it notes that the task waits, makes it the current one no longer, and leaves to
// the caller where the task goes on (swift/Runtime/Concurrency.h). That is a pair of words in the
// task: a function and its context (swift/ABI/Task.h). Here it is the caller's continuation, which
// every asynchronous function finds in its own context:
//
//     context   [ parent | resume | … ]
//     task      [ 7 words of the job | resume | context | … ]
//
// A task that was suspended so is a job that runs when somebody runs it. Nothing is enqueued.
//
// Swift's calling convention for asynchronous functions has a C form, and calls a function through
// a record beside it: where it is, as seen from the record, and how large its context is.

#include "CLinux.h"

struct context;

typedef __attribute__((swiftasynccall)) void (*resume_function)(
    __attribute__((swift_async_context)) struct context *context);

struct context {
    struct context *parent;
    resume_function resume;
};

struct task {
    void *job[7];
    resume_function resume;
    struct context *context;
};

extern __attribute__((swiftcall)) struct task *swift_task_suspend(void);

__attribute__((swiftasynccall)) void clinux_suspend_task(
    __attribute__((swift_async_context)) struct context *context) {
    struct task *task = swift_task_suspend();
    task->resume = context->resume;
    task->context = context;
}

__asm__(
    ".pushsection .rodata\n"
    ".p2align 3\n"
    ".globl clinux_suspend_taskTu\n"
    ".type clinux_suspend_taskTu, %object\n"
    ".size clinux_suspend_taskTu, 8\n"
    "clinux_suspend_taskTu:\n"
    ".long clinux_suspend_task - clinux_suspend_taskTu\n"
    ".long 16\n"
    ".popsection\n");

// A handler of the runtime is a function and its context, as a closure is.

typedef __attribute__((swiftcall)) void (*cancellation_function)(
    __attribute__((swift_context)) void *context);

extern __attribute__((swiftcall)) void *swift_task_addCancellationHandler(
    cancellation_function function, void *context);

static __attribute__((swiftcall)) void tell(__attribute__((swift_context)) void *context) {
    struct clinux_cancellation *cancellation = context;
    cancellation->handler(cancellation->argument);
}

void *clinux_add_cancellation(struct clinux_cancellation *cancellation) {
    return swift_task_addCancellationHandler(tell, cancellation);
}
