"""torch.distributed all-reduce over Gloo: allreduce_gloo.py RANKS ITERATIONS BYTES...; one line of JSON per size."""

import json
import os
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def rank_main(rank, ranks, iterations, sizes):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=os.environ["GLOO_MEETING"], rank=rank, world_size=ranks)
    for size in sizes:
        row = torch.ones(size // 4)
        samples = []
        for index in range(iterations + iterations // 10 + 1):
            start = time.perf_counter()
            dist.all_reduce(row)
            if index > iterations // 10:
                samples.append((time.perf_counter() - start) * 1e6)
        if rank == 0:
            print(json.dumps({"bytes": size, "median_us": statistics.median(samples)}), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    os.environ["GLOO_MEETING"] = f"tcp://127.0.0.1:{20000 + os.getpid() % 20000}"
    ranks, iterations, *sizes = map(int, sys.argv[1:])
    mp.spawn(rank_main, args=(ranks, iterations, sizes), nprocs=ranks)
