#include "CLinux.h"

// Starts a program as posix_spawnp(3) does, with what that cannot do: it ends with the thread that
// started it (PR_SET_PDEATHSIG), has a soft limit on descriptors of its own, and inherits none but
// its streams. It has no signal blocked.
//
// Until it becomes the program, the child shares our memory (vfork(2)), so it makes system calls
// and nothing else. Its error comes through a pipe that the program does not inherit: under the
// thread sanitizer vfork is fork, and shares nothing.

extern int execvpe(const char *file, char *const arguments[], char *const environment[]);

// Closes, when the program begins, every descriptor above the streams that somebody opened without
// saying so (close_range(2), CLOSE_RANGE_CLOEXEC, since Linux 5.11). A plain call: the oldest glibc
// in use has no name for it.
static void keep_streams_only(void) {
    if (syscall(SYS_close_range, 3U, ~0U, 4U) == 0) return;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    const rlim_t end = limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
    for (int number = 3; number < (int)end; number++) fcntl(number, F_SETFD, FD_CLOEXEC);
}

// What takes and gives nothing; where there is no null device, a directory does neither.
static int open_nothing(void) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return null >= 0 ? null : open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// Gives the child its streams, out of the way of one another first: one of ours may have the number
// of one of its.
static int set_streams(const int streams[3]) {
    int own[3];
    for (int place = 0; place < 3; place++) {
        const int given = streams[place] >= 0 ? streams[place] : open_nothing();
        own[place] = fcntl(given, F_DUPFD_CLOEXEC, 3);
        if (own[place] < 0) return -1;
    }
    for (int place = 0; place < 3; place++)
        if (dup2(own[place], place) < 0) return -1;
    return 0;
}

static void become(const struct clinux_program *program, pid_t parent, int *step) {
    for (int number = 1; number <= 64; number++) {
        struct sigaction action = {0};
        action.sa_handler = sigismember(program->ignored, number) == 1 ? SIG_IGN : SIG_DFL;
        sigaction(number, &action, NULL);
    }
    if (program->leads_group) setpgid(0, 0);
    if (program->ends_with_thread) {
        prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
        if (getppid() != parent) _exit(127);
    }
    if (set_streams(program->streams) < 0) return;
    *step = 1;
    if (program->directory && chdir(program->directory) < 0) return;
    *step = 0;
    keep_streams_only();
    struct rlimit limit;
    if (program->descriptors > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = program->descriptors;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvpe(program->path, program->arguments,
            program->environment ? program->environment : environ);
}

__attribute__((noinline)) int clinux_spawn(
    pid_t *id, const struct clinux_program *program, int *step) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return errno;
    const pid_t parent = getpid();
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const pid_t child = vfork();
    if (child == 0) {
        // Above the streams, which would overwrite it.
        const int told = report[1] > 2 ? report[1] : fcntl(report[1], F_DUPFD_CLOEXEC, 3);
        int failure[2] = {0, 0};
        become(program, parent, &failure[1]);
        failure[0] = errno;
        (void)!write(told, failure, sizeof failure);
        _exit(127);
    }
    int refusal[2] = {child < 0 ? errno : 0, 0};
    close(report[1]);
    // Ends when the child has become the program. No signal can interrupt it, nor waiting for a
    // child that has not.
    (void)!read(report[0], refusal, sizeof refusal);
    close(report[0]);
    if (child > 0 && refusal[0] != 0) waitpid(child, NULL, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *id = child;
    *step = refusal[1];
    return refusal[0];
}
