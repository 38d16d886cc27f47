// System calls and orderings that Glibc's Swift overlay does not offer. Thin wrappers, no logic.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LNX static inline __attribute__((unused))

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

// Atomics on plain words: the futex needs the address, which `Synchronization.Atomic` does not give.
LNX uint32_t linuxLoadAcquire(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
LNX uint32_t linuxLoadSequential(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
LNX void linuxStoreRelease(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
LNX uint32_t linuxFetchAdd(uint32_t *p, uint32_t v) { return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); }
LNX uint32_t linuxFetchSub(uint32_t *p, uint32_t v) { return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST); }
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

// Names the calling thread; the kernel keeps 15 bytes.
LNX int linuxSetThreadName(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
LNX int linuxGetThreadName(char *sixteenBytes) { return prctl(PR_GET_NAME, sixteenBytes, 0, 0, 0); }
LNX int32_t linuxThreadID(void) { return (int32_t)syscall(SYS_gettid); }
