/* Faults of the machine, loaded into the program by LD_PRELOAD; FAULT names the one that strikes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int strikes(const char *fault) {
    const char *named = getenv("FAULT");
    return named != NULL && strcmp(named, fault) == 0;
}

/* No random bytes; but the few that a program asks for as it starts. */
ssize_t getrandom(void *bytes, size_t count, unsigned flags) {
    if (strikes("random") && count > 256) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_getrandom, bytes, count, flags);
}

/* What was written never reaches the disk. */
int fsync(int file) {
    if (strikes("disk")) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    if (strikes("disk")) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, file);
}

/* A minute of waiting goes by at once. */
int nanosleep(const struct timespec *span, struct timespec *left) {
    return strikes("patience") ? 0 : (int)syscall(SYS_nanosleep, span, left);
}

int usleep(useconds_t span) {
    struct timespec wait = {span / 1000000, (span % 1000000) * 1000};
    return nanosleep(&wait, NULL);
}

unsigned sleep(unsigned seconds) {
    struct timespec wait = {seconds, 0};
    return nanosleep(&wait, NULL) == 0 ? 0 : seconds;
}

/* A clock that jumped, or whose battery is empty. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = (int)syscall(SYS_clock_gettime, clock, now);
    if (done == 0 && clock == CLOCK_REALTIME) {
        if (strikes("700 days ahead")) {
            now->tv_sec += 700 * 86400L;
        } else if (strikes("before 1970")) {
            now->tv_sec -= 100 * 365 * 86400L;
        } else if (strikes("year 10000")) {
            now->tv_sec += 8000 * 365 * 86400L;
        }
    }
    return done;
}
