// How far apart two processors are: the round trip of a cache line between two threads, in
// nanoseconds.
//
// Usage: distance CPU CPU. Virtual processors wander: near ones take about 80 ns, far ones about
// 350, and the same work then costs a third more. The best of ten short measurements is printed,
// since a thread that is interrupted only ever makes it longer.

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 20000, MEASUREMENTS = 10 };

static _Alignas(128) atomic_int ball;

static void pin(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        perror("sched_setaffinity");
        exit(1);
    }
}

static void *answer(void *processor) {
    pin(*(int *)processor);
    for (int round = 0; round < ROUNDS * MEASUREMENTS; round++) {
        while (atomic_load_explicit(&ball, memory_order_acquire) != 2 * round + 1) {}
        atomic_store_explicit(&ball, 2 * round + 2, memory_order_release);
    }
    return NULL;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: distance CPU CPU\n");
        return 64;
    }
    int here = atoi(arguments[1]), there = atoi(arguments[2]), round = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, answer, &there);
    pin(here);
    double best = 1e18;
    for (int measurement = 0; measurement < MEASUREMENTS; measurement++) {
        double begun = now();
        for (int end = round + ROUNDS; round < end; round++) {
            atomic_store_explicit(&ball, 2 * round + 1, memory_order_release);
            while (atomic_load_explicit(&ball, memory_order_acquire) != 2 * round + 2) {}
        }
        double each = (now() - begun) / ROUNDS;
        if (each < best) best = each;
    }
    pthread_join(thread, NULL);
    printf("%.1f\n", best);
}
