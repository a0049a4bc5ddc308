"""Read damaged files of a reader and report what ended otherwise than it should."""

import argparse
import collections
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from neurodyn import io
from tests.proof.mutated import damage, harness
from tests.proof.mutated.seeds import SEEDS, Seed


def main(arguments: list[str] | None = None) -> int:
    """Command line; exit status 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.mutated", description=__doc__)
    parser.add_argument("--reader", choices=SEEDS, action="append", help="one or more; all")
    parser.add_argument("--file", type=Path, action="append", help="mutate this file instead")
    parser.add_argument("--n", type=int, default=1000, help="files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for files that ended in a fault")
    options = parser.parse_args(arguments)
    if options.file:
        chosen = {str(path): [_seed(path)] for path in options.file}
    else:
        chosen = {name: SEEDS[name] for name in options.reader or SEEDS}
    faults = 0
    for name, seeds in chosen.items():
        faults += _report(name, seeds, options)
    return 1 if faults else 0


def _seed(path: Path) -> Seed:
    with open(path, "rb") as file:
        hdf5 = file.read(8) == b"\x89HDF\r\n\x1a\n"
    way = damage.hdf5 if hdf5 else damage.file
    return Seed(lambda to: to.write_bytes(path.read_bytes()), path.suffix, way, io.read)


def _report(name: str, seeds: list[Seed], options: argparse.Namespace) -> int:
    start, ends = time.monotonic(), []
    seen: collections.Counter = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for k, seed in enumerate(seeds):
            whole = Path(folder, f"whole{k}{seed.suffix}")
            seed.make(whole)
            try:
                seed.read(whole)
            except (io.FileFormatError, ValueError, ImportError):  # noise under its name
                seed = seed._replace(read=partial(_none_for_whole, seed.read, whole))
            n = options.n // len(seeds) + (k < options.n % len(seeds))
            numbers = range(options.first, options.first + n)
            for end in harness.run(seed, whole, numbers, options.seed, options.workers):
                ends.append(end)
                if end.kind not in harness.FINE:
                    seen[end.kind, end.about[:40]] += 1
                    if seen[end.kind, end.about[:40]] <= 2:
                        print(f"  {name}[{k}] {end.index}: {end.kind} {end.about}", flush=True)
                    if options.keep:
                        options.keep.mkdir(exist_ok=True, parents=True)
                        kept = options.keep / f"{Path(name).stem}{k}_{end.index}{seed.suffix}"
                        harness.mutant(seed, whole, kept, end.index, options.seed)
    counts = harness.counted(ends)
    slowest = max((e.seconds for e in ends), default=0)
    largest = max((e.megabytes for e in ends), default=0)
    print(
        f"{name}: {len(ends)} files, seed {options.seed}, {time.monotonic() - start:.0f} s; "
        + ", ".join(f"{n} {kind}" for kind, n in counts.most_common())
        + f"; at most {slowest:.1f} s, {largest:.0f} MB",
        flush=True,
    )
    return sum(n for kind, n in counts.items() if kind not in harness.FINE)


def _none_for_whole(read, whole, path):
    return {} if path == whole else read(path)


if __name__ == "__main__":
    sys.exit(main())
