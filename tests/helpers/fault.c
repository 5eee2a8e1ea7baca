/* Power that fails at a chosen byte: a library to preload, which counts what a process does to
   files and ends it there, as SIGKILL would, with what was written so far on the disk. Each byte is
   a step, and so is the moment before and after a sync, a rename, a removal and a cut. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long left = -1;

void fault_at(long steps) { left = steps; }
long fault_left(void) { return left; }

static int counts(int fd) {
    struct stat s;
    return left >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
}
static size_t most(size_t n) { return (long)n > left ? (size_t)left : n; }
static void done(ssize_t n) {
    if (n > 0) left -= n;
    if (left == 0) _exit(9);
}
static void step(void) {
    if (left > 0 && --left == 0) _exit(9);
}

#define REAL(result, name, ...) static result (*real)(__VA_ARGS__); \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)
#define BYTES(name, fd, n, parameters, arguments, ...) ssize_t name parameters { \
    REAL(ssize_t, name, __VA_ARGS__); \
    if (!counts(fd)) return real arguments; \
    n = most(n); ssize_t written = real arguments; done(written); return written; }
#define CALL(name, parameters, arguments, ...) int name parameters { \
    REAL(int, name, __VA_ARGS__); \
    step(); int result = real arguments; step(); return result; }

BYTES(write, fd, n, (int fd, const void *b, size_t n), (fd, b, n), int, const void *, size_t)
BYTES(pwrite, fd, n, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o),
      int, const void *, size_t, off_t)
BYTES(pwrite64, fd, n, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o),
      int, const void *, size_t, off64_t)
BYTES(sendfile, fd, n, (int fd, int from, off_t *o, size_t n), (fd, from, o, n),
      int, int, off_t *, size_t)
BYTES(sendfile64, fd, n, (int fd, int from, off64_t *o, size_t n), (fd, from, o, n),
      int, int, off64_t *, size_t)
BYTES(copy_file_range, fd, n, (int from, off64_t *a, int fd, off64_t *b, size_t n, unsigned f),
      (from, a, fd, b, n, f), int, off64_t *, int, off64_t *, size_t, unsigned)
CALL(fsync, (int fd), (fd), int)
CALL(fdatasync, (int fd), (fd), int)
CALL(rename, (const char *a, const char *b), (a, b), const char *, const char *)
CALL(renameat, (int d, const char *a, int e, const char *b), (d, a, e, b),
     int, const char *, int, const char *)
CALL(unlink, (const char *a), (a), const char *)
CALL(unlinkat, (int d, const char *a, int f), (d, a, f), int, const char *, int)
CALL(ftruncate, (int fd, off_t n), (fd, n), int, off_t)
CALL(ftruncate64, (int fd, off64_t n), (fd, n), int, off64_t)
