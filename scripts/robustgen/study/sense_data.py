"""What data sets may get wrong together: sizes, splits, budgets, channels."""

from __future__ import annotations

from collections.abc import Iterator

from robustgen.core.literals import constant, literal
from robustgen.core.options import declared, filled
from robustgen.study.schema import Data, Dataset, Study


def contradictions(study: Study) -> Iterator[str]:
    """A sentence for each of them."""
    yield from _mirror(study.data)
    for name, dataset in study.datasets.items():
        for check in (_size, _splits, _budgets, _channels, _sources):
            yield from (f"datasets.{name}.{said}" for said in check(dataset))


def parts(dataset: Dataset) -> tuple[int | None, int | None]:
    """(training images, test images) of a data set as its module and its options tell them; None
    where only its files do.
    """
    options = filled("data", dataset.kind, dataset.options)
    published = constant("data", dataset.kind, "TRAIN_TEST") or (None, None)
    train, test = options.get("train", published[0]), options.get("test", published[1])
    # further downloads add training images, and a choice of classes leaves some out
    more = "sources" in dataset.options or bool(options.get("classes"))
    known = isinstance(test, int) and not options.get("classes")
    return train if isinstance(train, int) and not more else None, test if known else None


def too_large(eps: float) -> str:
    """Why an L_inf budget cannot be meant; empty where it can."""
    if eps <= 1 or eps == float("inf"):
        return ""
    hint = f"{eps:g}/255" if eps <= 255 else "a number up to 1, such as 8/255"
    return f"pixels lie in [0, 1], which an L_inf ball of radius {eps:g} covers; write {hint}."


def _mirror(data: Data) -> Iterator[str]:
    scheme, separator, _ = (data.mirror or "").partition("://")
    if separator and scheme not in ("http", "https", "file"):
        yield f"data.mirror: must be a folder or an http(s) address, not {data.mirror!r}."


def _size(dataset: Dataset) -> Iterator[str]:
    least, most = literal("data", dataset.kind, "SIZES", (1, None))
    if least == most != dataset.size:
        yield (
            f"size: must be {least}, for images of {dataset.kind} are not resized, not "
            f"{dataset.size}."
        )
    elif dataset.size < least:
        yield f"size: must be at least {least} for {dataset.kind}, not {dataset.size}."


def _splits(dataset: Dataset) -> Iterator[str]:
    train, test = parts(dataset)
    held, evaluate = dataset.validation, dataset.evaluate
    if train is not None and held >= train:
        yield f"validation: {held} images cannot be held out of {train} training images; lower it."
    if evaluate.validation > held:
        yield (
            f"evaluate.validation: {evaluate.validation} images are asked for, but only {held} "
            "are held out."
        )
    if test is not None and evaluate.test > test:
        yield (
            f"evaluate.test: {evaluate.test} images are asked for, but the test split has "
            f"{test}; lower it."
        )


def _budgets(dataset: Dataset) -> Iterator[str]:
    for place, eps in enumerate(dataset.eps):
        if why := too_large(eps):
            yield f"eps.{place}: {why}"


def _channels(dataset: Dataset) -> Iterator[str]:
    known = literal("data", dataset.kind, "CHANNELS")
    for name, values in (("mean", dataset.mean), ("std", dataset.std)):
        if len(values) != 1 and len(values) not in ((known,) if known else (1, 3)):
            each = (
                "one for each of three channels"
                if known is None
                else (f"{known}, one for each channel")
            )
            yield (
                f"{name}: has {len(values)} values; give one{f', or {each}' if known != 1 else ''}."
            )


def _sources(dataset: Dataset) -> Iterator[str]:
    """Of a module of one's own, which declares downloads and no options."""
    known = (*constant("data", dataset.kind, "SOURCES"), *constant("data", dataset.kind, "FURTHER"))
    asked = dataset.options.get("sources", known)
    if declared("data", dataset.kind) is not None:
        return
    if not isinstance(asked, list | tuple) or not set(asked) <= set(known) or (known and not asked):
        yield (
            f"options.sources: must be a list out of {', '.join(known) or 'nothing'}, not "
            f"{asked!r}."
        )
