#define _GNU_SOURCE
#include "CMallocCount.h"
#include <execinfo.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_int isCounting;
static atomic_long others, zeroMQ;
static _Thread_local int isExempt;
static uintptr_t first[8], last[8];
static int numRanges;

// The executable segments of libzmq and of the C++ library, through whose operator new it allocates.
static int keepRange(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  if (!strstr(info->dlpi_name, "libzmq") && !strstr(info->dlpi_name, "libstdc++")) return 0;
  for (int i = 0; i < info->dlpi_phnum && numRanges < 8; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
    first[numRanges] = info->dlpi_addr + segment->p_vaddr;
    last[numRanges++] = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
  }
  return 0;
}

static void note(void *caller) {
  if (!atomic_load_explicit(&isCounting, memory_order_relaxed) || isExempt) return;
  for (int i = 0; i < numRanges; i++)
    if ((uintptr_t)caller >= first[i] && (uintptr_t)caller < last[i]) {
      atomic_fetch_add(&zeroMQ, 1);
      return;
    }
  // With MALLOC_TRACES=N in the environment the first N tell where they come from, on standard error.
  if (atomic_fetch_add(&others, 1) < (getenv("MALLOC_TRACES") ? atoi(getenv("MALLOC_TRACES")) : 0)) {
    isExempt = 1;
    void *frames[24];
    backtrace_symbols_fd(frames, backtrace(frames, 24), 2);
    isExempt = 0;
  }
}

void mallocCountBegin(void) {
  numRanges = 0;
  dl_iterate_phdr(keepRange, 0);
  atomic_store(&others, 0);
  atomic_store(&zeroMQ, 0);
  atomic_store(&isCounting, 1);
}
void mallocCountEnd(void) { atomic_store(&isCounting, 0); }
void mallocCountExemptThread(void) { isExempt = 1; }
long mallocCountOthers(void) { return atomic_load(&others); }
long mallocCountZeroMQ(void) { return atomic_load(&zeroMQ); }

void *malloc(size_t size) {
  note(__builtin_return_address(0));
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  note(__builtin_return_address(0));
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  note(__builtin_return_address(0));
  return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  note(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) {
  note(__builtin_return_address(0));
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}
