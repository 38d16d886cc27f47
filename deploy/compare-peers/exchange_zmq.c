// A bare all-to-all exchange over ZeroMQ: what an all-reduce over it costs at the very least.
//
//   exchange_zmq RANKS ITERATIONS ipc|tcp BYTES...
//
// Each rank is a process with one PULL socket and a PUSH socket to every peer. An exchange sends BYTES to every peer and
// receives as many from each; no header, checksum or addition. Prints one line of JSON per size: rank 0's median and
// 99th percentile in microseconds.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void fail(const char *what) {
  fprintf(stderr, "error: %s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static void endpoint(char *out, size_t size, const char *transport, const char *directory, int port, int rank) {
  if (strcmp(transport, "tcp") == 0) {
    snprintf(out, size, "tcp://127.0.0.1:%d", port + rank);
  } else {
    snprintf(out, size, "ipc://%s/r%d", directory, rank);
  }
}

// A rank can be a whole exchange ahead of another, never two: what is short of this one is counted by sender.
static void exchange(void **push, void *pull, int rank, int ranks, char *bytes, size_t size, int *ahead) {
  zmq_msg_t message;
  for (int peer = 0; peer < ranks; peer++) {
    if (peer == rank) continue;
    if (zmq_msg_init_size(&message, size + 1)) fail("message");
    memcpy(zmq_msg_data(&message), bytes, size);
    ((char *)zmq_msg_data(&message))[size] = (char)rank;
    if (zmq_msg_send(&message, push[peer], 0) < 0) fail("send");
  }
  int missing = 0, wanted[64] = {0};
  for (int peer = 0; peer < ranks; peer++) {
    if (peer == rank) continue;
    if (ahead[peer]) ahead[peer]--; else wanted[peer] = 1, missing++;
  }
  while (missing) {
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, pull, 0) < 0) fail("receive");
    memcpy(bytes, zmq_msg_data(&message), size);
    int sender = ((char *)zmq_msg_data(&message))[size];
    if (wanted[sender]) wanted[sender] = 0, missing--; else ahead[sender]++;
    zmq_msg_close(&message);
  }
}

static void run(int rank, int ranks, int iterations, const char *transport, const char *directory, int port,
                char **sizes, int count) {
  char place[256];
  void *context = zmq_ctx_new(), *push[64] = {0}, *pull = zmq_socket(context, ZMQ_PULL);
  endpoint(place, sizeof place, transport, directory, port, rank);
  if (zmq_bind(pull, place)) fail(place);
  for (int peer = 0; peer < ranks; peer++) {
    if (peer == rank) continue;
    push[peer] = zmq_socket(context, ZMQ_PUSH);
    endpoint(place, sizeof place, transport, directory, port, peer);
    if (zmq_connect(push[peer], place)) fail(place);
  }
  double *samples = malloc(iterations * sizeof(double));
  int ahead[64] = {0};
  for (int i = 0; i < count; i++) {
    size_t size = strtoul(sizes[i], NULL, 10);
    char *bytes = calloc(1, size + 1);
    for (int n = 0; n < iterations / 10 + 1; n++) exchange(push, pull, rank, ranks, bytes, size, ahead);
    for (int n = 0; n < iterations; n++) {
      double start = now();
      exchange(push, pull, rank, ranks, bytes, size, ahead);
      samples[n] = now() - start;
    }
    qsort(samples, iterations, sizeof(double), ascending);
    if (rank == 0) {
      printf("{\"bytes\": %zu, \"median_us\": %.2f, \"p99_us\": %.2f}\n", size, samples[iterations / 2],
             samples[iterations * 99 / 100]);
      fflush(stdout);
    }
    free(bytes);
  }
  int linger = 500;
  for (int peer = 0; peer < ranks; peer++) {
    if (push[peer]) zmq_setsockopt(push[peer], ZMQ_LINGER, &linger, sizeof linger), zmq_close(push[peer]);
  }
  zmq_close(pull);
  zmq_ctx_term(context);
}

int main(int argc, char **argv) {
  int ranks = argc > 4 ? atoi(argv[1]) : 0, iterations = argc > 4 ? atoi(argv[2]) : 0;
  if (ranks < 2 || ranks > 64 || iterations < 1) {
    fprintf(stderr, "usage: exchange_zmq RANKS(2-64) ITERATIONS ipc|tcp BYTES...\n");
    return 2;
  }
  char directory[] = "/tmp/exchange-zmq-XXXXXX";
  if (!mkdtemp(directory)) return 1;
  int port = 20000 + getpid() % 20000;
  for (int rank = 1; rank < ranks; rank++) {
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      run(rank, ranks, iterations, argv[3], directory, port, argv + 4, argc - 4);
      exit(0);
    }
  }
  run(0, ranks, iterations, argv[3], directory, port, argv + 4, argc - 4);
  while (wait(NULL) > 0) continue;
  for (int rank = 0; rank < ranks; rank++) {
    char place[256];
    snprintf(place, sizeof place, "%s/r%d", directory, rank);
    unlink(place);
  }
  rmdir(directory);
  return 0;
}
