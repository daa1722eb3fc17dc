"""A program that writes until it is killed: `python store_writer.py` reads URLs, and forks a writer for each.

It says `pid N` for each writer, a line `SEQ HASH` for every acknowledged event, and `end` when the writer has died.
"""

from __future__ import annotations

import os
import sys
import threading

from store_cases import fold, new_event

from gridgov.store import open_store

THREADS = 4


def write(url: str) -> None:
    """Write from several threads and say what was acknowledged, for ever."""
    store = open_store(url, fold=fold)

    def work(worker: int) -> None:
        step = 0
        while True:
            step += 1
            drafts = [new_event(f"I{worker}", worker=worker, step=step, severity=step % 5)] * (1 + step % 3)
            for event in store.append(drafts):
                os.write(1, f"{event.seq} {event.hash}\n".encode())  # one write each: lines do not mix

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Serve one URL after another."""
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            write(line.strip())
            os._exit(1)
        os.write(1, f"pid {pid}\n".encode())
        os.waitpid(pid, 0)
        os.write(1, b"end\n")


if __name__ == "__main__":
    main()
