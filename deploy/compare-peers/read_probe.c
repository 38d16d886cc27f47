// Read bandwidth of the memory right now: each thread sums 256 MiB of its own again and again.
//
//   read_probe THREADS
//
// Prints GB/s of the median pass. On a virtual machine it tells in which state the host's cores are just now.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BYTES = 256 << 20, PASSES = 9 };
static pthread_barrier_t gate;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void *read_all(void *times) {
  uint64_t *words = aligned_alloc(2 << 20, BYTES), sum = 0;
  memset(words, 1, BYTES);
  for (int pass = 0; pass < PASSES; pass++) {
    pthread_barrier_wait(&gate);
    double start = now();
    for (size_t i = 0; i < BYTES / 8; i++) sum += words[i];
    pthread_barrier_wait(&gate);
    if (times) ((double *)times)[pass] = now() - start;
  }
  free(words);
  return (void *)(uintptr_t)sum;
}

int main(int argc, char **argv) {
  int threads = argc == 2 ? atoi(argv[1]) : 0;
  if (threads < 1 || threads > 64) {
    fprintf(stderr, "usage: read_probe THREADS(1-64)\n");
    return 2;
  }
  double times[PASSES];
  pthread_t others[64];
  pthread_barrier_init(&gate, NULL, threads);
  for (int t = 1; t < threads; t++)
    if (pthread_create(&others[t], NULL, read_all, NULL)) return 1;
  read_all(times);
  for (int t = 1; t < threads; t++) pthread_join(others[t], NULL);
  qsort(times, PASSES, sizeof(double), ascending);
  printf("%.1f\n", threads * (BYTES / 1e9) / times[PASSES / 2]);
  return 0;
}
