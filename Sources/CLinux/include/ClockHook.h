// The clock that the Swift runtime reads, shown to one thread as a simulation wants it.
//
// ContinuousClock and SuspendingClock read clock_gettime(2) through the table in which the dynamic
// linker keeps the addresses of what libswift_Concurrency calls (the slots of its PLT; elf(5),
// ld.so(8)). clinux_hook_clock() puts the function below into that slot. It asks the real clock,
// except on a thread that has said what its clock shows. No other slot is touched, and every
// other thread reads what it read before.

#ifndef SWIFTLET_CLOCKHOOK_H
#define SWIFTLET_CLOCKHOOK_H

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// Glibc before 2.36 shows it under _GNU_SOURCE only.
#ifndef RTLD_DEFAULT
#define RTLD_DEFAULT ((void *)0)
#endif

// What the calling thread's clocks show, in nanoseconds; negative for the real time. Each file that
// uses it would have one of its own: only HostClock.swift does.
static _Thread_local int64_t clinux_shown_time = -1;

static inline int64_t clinux_show_time(int64_t nanoseconds) {
    int64_t before = clinux_shown_time;
    clinux_shown_time = nanoseconds;
    return before;
}

// Looked up by name: the program's own slot may be one of those that are hooked.
static inline int clinux_real_clock_gettime(clockid_t clock, struct timespec *time) {
    static void *found = NULL;
    void *function = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
    if (!function) {
        function = dlsym(RTLD_DEFAULT, "clock_gettime");
        __atomic_store_n(&found, function, __ATOMIC_RELEASE);
    }
    return ((int (*)(clockid_t, struct timespec *))function)(clock, time);
}

static inline int clinux_shown_clock_gettime(clockid_t clock, struct timespec *time) {
    int64_t shown = clinux_shown_time;
    int is_shown = shown >= 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME);
    if (!is_shown) return clinux_real_clock_gettime(clock, time);
    time->tv_sec = (time_t)(shown / 1000000000);
    time->tv_nsec = (long)(shown % 1000000000);
    return 0;
}

// Puts the function above into every slot for clock_gettime of one table of relocations.
static inline int clinux_hook_table(const ElfW(Rela) *table, size_t size, const ElfW(Sym) *symbols,
                                    const char *names, ElfW(Addr) base) {
    int hooked = 0;
    for (size_t index = 0; index < size / sizeof *table; index++) {
        const ElfW(Sym) *symbol = &symbols[ELF64_R_SYM(table[index].r_info)];
        if (strcmp(names + symbol->st_name, "clock_gettime") != 0) continue;
        void **slot = (void **)(base + table[index].r_offset);
        uintptr_t page = (uintptr_t)slot & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
        // The table may have been made read-only after loading; it stays writable then.
        if (mprotect((void *)page, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE) != 0)
            continue;
        __atomic_store_n(slot, (void *)clinux_shown_clock_gettime, __ATOMIC_RELEASE);
        hooked++;
    }
    return hooked;
}

// Hooks the clock of the Swift runtime, once for the process; returns how many slots were found.
// The caller has read a clock of the runtime before, so that the linker is done with the slot.
static inline int clinux_hook_clock(void) {
    void *library = dlopen("libswift_Concurrency.so", RTLD_LAZY | RTLD_NOLOAD);
    // With the runtime linked in, it is the program itself that calls.
    struct link_map *map = library ? library : dlopen(NULL, RTLD_LAZY);
    struct timespec now;
    if (!map || !dlsym(RTLD_DEFAULT, "clock_gettime")) return 0;
    clinux_real_clock_gettime(CLOCK_MONOTONIC, &now);
    const ElfW(Sym) *symbols = NULL;
    const ElfW(Rela) *calls = NULL, *data = NULL;
    const char *names = NULL;
    size_t calls_size = 0, data_size = 0;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB: symbols = (const ElfW(Sym) *)entry->d_un.d_ptr; break;
        case DT_STRTAB: names = (const char *)entry->d_un.d_ptr; break;
        case DT_JMPREL: calls = (const ElfW(Rela) *)entry->d_un.d_ptr; break;
        case DT_PLTRELSZ: calls_size = entry->d_un.d_val; break;
        case DT_RELA: data = (const ElfW(Rela) *)entry->d_un.d_ptr; break;
        case DT_RELASZ: data_size = entry->d_un.d_val; break;
        }
    }
    if (!symbols || !names) return 0;
    int hooked = 0;
    if (calls) hooked += clinux_hook_table(calls, calls_size, symbols, names, map->l_addr);
    if (data) hooked += clinux_hook_table(data, data_size, symbols, names, map->l_addr);
    return hooked;
}

#endif
