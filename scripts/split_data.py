"""Split a data set into train, validation and test, and record each split's class counts."""

import argparse
from pathlib import Path

from robustgen.core.command import command


def main(argv: list[str] | None = None) -> None:
    from robustgen.core.files import read_json, write_json
    from robustgen.core.tensors import read_arrays, write_arrays
    from robustgen.data.splits import class_counts, split

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--pool", type=Path, required=True, help="pool.safetensors of the data set")
    parser.add_argument(
        "--validation", type=int, required=True, help=("images held out of the training part")
    )
    parser.add_argument("--seed", type=int, required=True, help="the study's seed")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help=("splits.safetensors to write; splits.json goes beside it"),
    )
    args = parser.parse_args(argv)
    pool, names = read_arrays(args.pool), read_json(args.pool.with_suffix(".json"))["names"]
    parts = split(
        pool["part"],
        pool["labels"],
        validation=args.validation,
        seed=args.seed,
        dataset=args.dataset,
    )
    counts = {
        name: class_counts(index, pool["labels"], len(names)) for name, index in parts.items()
    }
    write_arrays(args.out, parts)
    write_json(
        args.out.with_suffix(".json"),
        {"dataset": args.dataset, "names": names, "class_counts": counts},
    )


if __name__ == "__main__":
    command(main)
