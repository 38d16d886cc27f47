// MPI_Allreduce of f32 rows, timed as `meshdecode bench collectives` times its own: one line of JSON per size.
//
//   mpirun -np RANKS allreduce_mpi ITERATIONS BYTES...
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  int iterations = argc > 2 ? atoi(argv[1]) : 0;
  if (iterations < 1) {
    if (rank == 0) fprintf(stderr, "usage: mpirun -np RANKS allreduce_mpi ITERATIONS BYTES...\n");
    MPI_Abort(MPI_COMM_WORLD, 2);
  }
  double *samples = malloc(iterations * sizeof(double));
  for (int i = 2; i < argc; i++) {
    int count = atoi(argv[i]) / 4;
    float *in = malloc(count * 4), *out = malloc(count * 4);
    for (int n = 0; n < count; n++) in[n] = (float)(n % 1009);
    for (int n = 0; n < iterations / 10 + 1; n++)
      MPI_Allreduce(in, out, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    for (int n = 0; n < iterations; n++) {
      double start = MPI_Wtime();
      MPI_Allreduce(in, out, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      samples[n] = (MPI_Wtime() - start) * 1e6;
    }
    qsort(samples, iterations, sizeof(double), ascending);
    if (rank == 0)
      printf("{\"bytes\": %d, \"median_us\": %.2f, \"p99_us\": %.2f}\n", count * 4, samples[iterations / 2],
             samples[iterations * 99 / 100]);
    free(in);
    free(out);
  }
  MPI_Finalize();
  return 0;
}
