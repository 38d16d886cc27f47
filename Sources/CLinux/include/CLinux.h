// System calls and orderings that Glibc's Swift overlay does not offer. Thin wrappers, no logic.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LNX static inline __attribute__((unused))

// Moves the wall clock of the host; returns 0 or the error's number. For drills: nothing else reads or sets it.
LNX int linuxMoveWallClock(int64_t nanoseconds) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return errno;
  int64_t all = now.tv_sec * 1000000000LL + now.tv_nsec + nanoseconds;
  struct timespec then = {all / 1000000000, all % 1000000000};
  return clock_settime(CLOCK_REALTIME, &then) == 0 ? 0 : errno;
}

// The size that files may grow to by a process's writes, negative: as large as it may set itself. Returns 0 or the error's
// number.
LNX int linuxLimitFileSize(int32_t process, int64_t bytes) {
  // Not <sys/resource.h>: with _GNU_SOURCE it is another one than Swift's Glibc module has.
  enum { fileSize = 1 };
  uint64_t limit[2];
  if (syscall(SYS_prlimit64, process, fileSize, (void *)0, limit) != 0) return errno;
  limit[0] = bytes < 0 ? limit[1] : (uint64_t)bytes;
  return syscall(SYS_prlimit64, process, fileSize, limit, (void *)0) == 0 ? 0 : errno;
}

// Affinity. `mask` holds `words` 64-bit words, bit c = CPU c.
LNX int linuxSetAffinity(const uint64_t *mask, long words) {
  return (int)syscall(SYS_sched_setaffinity, 0, (unsigned long)words * 8, mask);
}
// Returns the number of bytes that the kernel wrote, or -1.
LNX long linuxGetAffinity(uint64_t *mask, long words) {
  return syscall(SYS_sched_getaffinity, 0, (unsigned long)words * 8, mask);
}

// Waits while *word == expected, at most `nanoseconds` (negative: without limit). May wake early.
LNX int linuxFutexWait(const uint32_t *word, uint32_t expected, int64_t nanoseconds) {
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  struct timespec *until = nanoseconds < 0 ? (struct timespec *)0 : &limit;
  return (int)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, until, 0, 0);
}
LNX void linuxFutexWake(const uint32_t *word, int count) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}

// The same between processes, for words in memory that they share.
LNX int linuxSharedFutexWait(const uint32_t *word, uint32_t expected, int64_t nanoseconds) {
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  return (int)syscall(SYS_futex, word, FUTEX_WAIT, expected, &limit, 0, 0);
}
LNX void linuxSharedFutexWake(const uint32_t *word, int count) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE, count, 0, 0, 0);
}

// Memory without a name that other processes can map through this one's descriptor, of a size that nobody can change:
// a mapping of it never faults for want of a file. Returns the descriptor, or -1.
LNX int linuxMakeSharedMemory(const char *name, int64_t bytes) {
  int descriptor = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) return -1;
  int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (ftruncate(descriptor, bytes) == 0 && fcntl(descriptor, F_ADD_SEALS, seals) == 0) return descriptor;
  int code = errno;
  close(descriptor);
  errno = code;
  return -1;
}
// Opens another process's descriptor; -1 when that process is gone or the file is not memory of `bytes` sealed bytes.
LNX int linuxOpenSharedMemory(const char *path, int64_t bytes) {
  int descriptor = open(path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return -1;
  struct stat details;
  int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
  int seals = fcntl(descriptor, F_GET_SEALS);
  if (seals >= 0 && (seals & wanted) == wanted && fstat(descriptor, &details) == 0 && details.st_size == bytes)
    return descriptor;
  close(descriptor);
  errno = EINVAL;
  return -1;
}

// Atomics on plain words: the futex needs the address, which `Synchronization.Atomic` does not give.
LNX uint32_t linuxLoadAcquire(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
LNX uint32_t linuxLoadSequential(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
LNX void linuxStoreRelease(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
LNX uint32_t linuxFetchAdd(uint32_t *p, uint32_t v) { return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); }
LNX uint32_t linuxFetchSub(uint32_t *p, uint32_t v) { return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST); }
LNX uint64_t linuxLoadAcquire64(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
LNX void linuxStoreRelease64(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
LNX uint32_t linuxExchange(uint32_t *p, uint32_t v) { return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); }
LNX void linuxFullBarrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
LNX void linuxPause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Memory policy. Modes: 0 default, 1 preferred, 2 bind, 3 interleave, 4 local.
LNX int linuxMemoryPolicy(int mode, uint64_t nodes) {
  return (int)syscall(SYS_set_mempolicy, mode, nodes ? &nodes : (uint64_t *)0, nodes ? 64 : 0);
}
LNX int linuxBindMemory(void *start, unsigned long bytes, int mode, uint64_t nodes) {
  return (int)syscall(SYS_mbind, start, bytes, mode, nodes ? &nodes : (uint64_t *)0, nodes ? 64 : 0, 0);
}
LNX int linuxAdviseHugePages(void *start, unsigned long bytes) {
  return madvise(start, bytes, MADV_HUGEPAGE);
}
LNX int linuxAdviseWillNeed(void *start, unsigned long bytes) { return madvise(start, bytes, MADV_WILLNEED); }
LNX int linuxAdviseDontNeed(void *start, unsigned long bytes) { return madvise(start, bytes, MADV_DONTNEED); }

// The calling process gets `signal` when its parent dies.
LNX int linuxParentDeathSignal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

// How late the kernel may fire timers of the calling thread, in nanoseconds.
LNX int linuxSetTimerSlack(unsigned long nanoseconds) { return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0); }

// poll with nanoseconds.
LNX int linuxPoll(struct pollfd *items, int count, int64_t nanoseconds) {
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  return ppoll(items, (nfds_t)count, &limit, (const sigset_t *)0);
}

// Names the calling thread; the kernel keeps 15 bytes.
LNX int linuxSetThreadName(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
LNX int linuxGetThreadName(char *sixteenBytes) { return prctl(PR_GET_NAME, sixteenBytes, 0, 0, 0); }
LNX int32_t linuxThreadID(void) { return (int32_t)syscall(SYS_gettid); }
