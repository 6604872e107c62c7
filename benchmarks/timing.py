"""What the benchmarks share: medians of peers that take turns."""

import statistics
import time


def milliseconds(peers: dict, rounds: int, clock=time.perf_counter) -> dict:
    """Median time of each peer, a function without arguments, after one run to warm up.

    With `clock=time.process_time` it is the processor's, which other work on the machine disturbs
    less; threads of the peer are added up.
    """
    times = {name: [] for name in peers}
    for work in peers.values():
        work()
    for number in range(rounds):
        # In turns, since the first one finds the prices out of the processor's cache.
        order = list(peers.items())
        for name, work in order if number % 2 else order[::-1]:
            begin = clock()
            work()
            times[name].append(1e3 * (clock() - begin))
    return {name: statistics.median(taken) for name, taken in times.items()}
