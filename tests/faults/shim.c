/*
 * Between a server and its disk: logs what is done to the files of one folder,
 * in the order in which it is done, and can end the process before any of it.
 * Loaded by LD_PRELOAD; the log is read by power_cut/log.rs.
 *
 *   SHIM_FOLDER      the folder, without links in its path
 *   SHIM_LOG         where to append the log; none is kept without it
 *   SHIM_DIE_AT      the number, from 1, of the operation before which
 *                            the process is killed
 *   SHIM_SYNC_US     how long each sync takes. Nothing is really synced
 *                            where there is a log: the log is the disk. The time
 *                            is there so that an answer that does not wait for
 *                            its sync is seen to come before it.
 *
 * A record: operation (1 byte), length of the path, of the data (4 each),
 * offset (8), path, data; numbers with the low byte first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum operation { WRITE = 1, TRUNCATE, SYNC, CREATE, UNLINK, RENAME, SYNC_FOLDER };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static size_t folder_length;
static int log_file = -1;
static unsigned long die_at, count, sync_us;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static unsigned long number(const char *name) {
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void) {
    folder = getenv("SHIM_FOLDER");
    folder_length = folder ? strlen(folder) : 0;
    die_at = number("SHIM_DIE_AT");
    sync_us = number("SHIM_SYNC_US");
    const char *path = getenv("SHIM_LOG");
    if (path)
        log_file = (int)syscall(SYS_openat, AT_FDCWD, path,
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int ends_in(const char *path, const char *end) {
    size_t length = strlen(path), rest = strlen(end);
    return length >= rest && strcmp(path + length - rest, end) == 0;
}

/* The part of the path behind the folder, or NULL. The index of the WAL is
 * memory, not disk: it does not survive and is not looked at. */
static const char *inside(const char *path) {
    if (!folder || !path || strncmp(path, folder, folder_length) != 0)
        return NULL;
    if (path[folder_length] == '\0')
        return path + folder_length;
    if (path[folder_length] != '/' || ends_in(path, "-shm"))
        return NULL;
    return path + folder_length + 1;
}

static const char *path_of(int file, char *buffer, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, buffer, size - 1);
    if (length < 0)
        return NULL;
    buffer[length] = '\0';
    return ends_in(buffer, " (deleted)") ? NULL : inside(buffer);
}

static void put(uint8_t **to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        *(*to)++ = (uint8_t)(value >> (8 * i));
}

/* Before an operation; the lock is held. */
static void due(void) {
    if (++count == die_at) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
}

/* After an operation; the lock is held. */
static void note(enum operation operation, const char *path, uint64_t offset,
                 const void *data, size_t length) {
    if (log_file < 0)
        return;
    uint8_t head[17], *to = head;
    put(&to, operation, 1);
    put(&to, strlen(path), 4);
    put(&to, length, 4);
    put(&to, offset, 8);
    struct iovec parts[3] = {{head, sizeof head},
                             {(void *)path, strlen(path)},
                             {(void *)data, length}};
    ssize_t whole = (ssize_t)(sizeof head + strlen(path) + length);
    if (syscall(SYS_writev, log_file, parts, 3) != whole)
        abort(); /* a log with a hole would prove nothing */
}

static void created(const char *path, int flags) {
    if (flags & O_CREAT)
        note(CREATE, path, 0, "", 0);
    if (flags & O_TRUNC)
        note(TRUNCATE, path, 0, "", 0);
}

static int open_file(int at, const char *name, int flags, mode_t mode) {
    int changes = flags & (O_CREAT | O_TRUNC);
    const char *path = changes ? inside(name) : NULL;
    if (!path)
        return (int)syscall(SYS_openat, at, name, flags, mode);
    pthread_mutex_lock(&lock);
    due();
    int file = (int)syscall(SYS_openat, at, name, flags, mode);
    int error = errno;
    if (file >= 0)
        created(path, flags);
    pthread_mutex_unlock(&lock);
    errno = error;
    return file;
}

#define MODE(flags, last, mode)                                                \
    mode_t mode = 0;                                                           \
    if (flags & (O_CREAT | O_TMPFILE)) {                                       \
        va_list list;                                                          \
        va_start(list, last);                                                  \
        mode = va_arg(list, mode_t);                                           \
        va_end(list);                                                          \
    }

int open(const char *name, int flags, ...) {
    MODE(flags, flags, mode)
    return open_file(AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    MODE(flags, flags, mode)
    return open_file(AT_FDCWD, name, flags, mode);
}
int openat(int at, const char *name, int flags, ...) {
    MODE(flags, flags, mode)
    return open_file(at, name, flags, mode);
}
int openat64(int at, const char *name, int flags, ...) {
    MODE(flags, flags, mode)
    return open_file(at, name, flags, mode);
}

static ssize_t write_at(int file, const void *data, size_t length, off_t offset,
                        int positioned) {
    char buffer[4096];
    const char *path = folder ? path_of(file, buffer, sizeof buffer) : NULL;
    if (!path)
        return positioned ? syscall(SYS_pwrite64, file, data, length, offset)
                          : syscall(SYS_write, file, data, length);
    pthread_mutex_lock(&lock);
    due();
    if (!positioned) {
        struct stat about;
        int append = fcntl(file, F_GETFL) & O_APPEND;
        offset = append && fstat(file, &about) == 0 ? about.st_size
                                                    : lseek(file, 0, SEEK_CUR);
    }
    ssize_t written = positioned ? syscall(SYS_pwrite64, file, data, length, offset)
                                 : syscall(SYS_write, file, data, length);
    int error = errno;
    if (written > 0)
        note(WRITE, path, (uint64_t)offset, data, (size_t)written);
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int file, const void *data, size_t length) {
    return write_at(file, data, length, 0, 0);
}
ssize_t pwrite(int file, const void *data, size_t length, off_t offset) {
    return write_at(file, data, length, offset, 1);
}
ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    return write_at(file, data, length, offset, 1);
}

/* Several parts at once: the first alone is a short write, which is allowed. */
ssize_t writev(int file, const struct iovec *parts, int count_of_parts) {
    char buffer[4096];
    if (!folder || !path_of(file, buffer, sizeof buffer))
        return syscall(SYS_writev, file, parts, count_of_parts);
    for (int i = 0; i < count_of_parts; i++)
        if (parts[i].iov_len > 0)
            return write_at(file, parts[i].iov_base, parts[i].iov_len, 0, 0);
    return 0;
}

static int truncate_to(int file, off_t size) {
    char buffer[4096];
    const char *path = folder ? path_of(file, buffer, sizeof buffer) : NULL;
    if (!path)
        return (int)syscall(SYS_ftruncate, file, size);
    pthread_mutex_lock(&lock);
    due();
    int done = (int)syscall(SYS_ftruncate, file, size);
    int error = errno;
    if (done == 0)
        note(TRUNCATE, path, (uint64_t)size, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate(int file, off_t size) { return truncate_to(file, size); }
int ftruncate64(int file, off64_t size) { return truncate_to(file, size); }

/* Making room by this call would be a write that the log does not see. */
int posix_fallocate(int file, off_t offset, off_t length) {
    char buffer[4096];
    if (folder && path_of(file, buffer, sizeof buffer))
        return EOPNOTSUPP;
    return REAL(posix_fallocate)(file, offset, length);
}
int fallocate(int file, int mode, off_t offset, off_t length) {
    char buffer[4096];
    if (folder && path_of(file, buffer, sizeof buffer)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_fallocate, file, mode, offset, length);
}

/* Likewise copying within the kernel: callers fall back to reading and writing. */
ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset,
                        size_t length, unsigned flags) {
    char buffer[4096];
    if (folder && path_of(to, buffer, sizeof buffer)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, length, flags);
}
ssize_t sendfile(int to, int from, off_t *offset, size_t length) {
    char buffer[4096];
    if (folder && path_of(to, buffer, sizeof buffer)) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_sendfile, to, from, offset, length);
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t length) {
    return sendfile(to, from, offset, length);
}

static int sync_file(int file, long call) {
    char buffer[4096];
    const char *path = folder ? path_of(file, buffer, sizeof buffer) : NULL;
    if (!path)
        return (int)syscall(call, file);
    struct stat about;
    int is_folder = fstat(file, &about) == 0 && S_ISDIR(about.st_mode);
    pthread_mutex_lock(&lock);
    due();
    int done = 0;
    if (log_file < 0)
        done = (int)syscall(call, file);
    int error = errno;
    if (sync_us > 0)
        usleep((useconds_t)sync_us);
    if (done == 0)
        note(is_folder ? SYNC_FOLDER : SYNC, path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int file) { return sync_file(file, SYS_fsync); }
int fdatasync(int file) { return sync_file(file, SYS_fdatasync); }

static int unlink_file(int at, const char *name, int flags) {
    const char *path = inside(name);
    if (!path)
        return (int)syscall(SYS_unlinkat, at, name, flags);
    pthread_mutex_lock(&lock);
    due();
    int done = (int)syscall(SYS_unlinkat, at, name, flags);
    int error = errno;
    if (done == 0)
        note(UNLINK, path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int unlink(const char *name) { return unlink_file(AT_FDCWD, name, 0); }
int unlinkat(int at, const char *name, int flags) { return unlink_file(at, name, flags); }

static int rename_file(int from_at, const char *from, int to_at, const char *to,
                       unsigned flags) {
    const char *old = inside(from), *new = inside(to);
    if (!old || !new)
        return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    pthread_mutex_lock(&lock);
    due();
    int done = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    int error = errno;
    if (done == 0)
        note(RENAME, old, 0, new, strlen(new));
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int rename(const char *from, const char *to) {
    return rename_file(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_at, const char *from, int to_at, const char *to) {
    return rename_file(from_at, from, to_at, to, 0);
}
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return rename_file(from_at, from, to_at, to, flags);
}
