"""The register of downloads: well formed, and with hashes that are known elsewhere."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path

import pytest

from robustgen.core.refusal import Refused
from robustgen.data.download.sources import Row, read_register, rows_of
from serving import row


def test_the_register_is_sorted_unique_and_names_every_source_asked_for() -> None:
    rows = read_register()
    order = [(row.source, bool(row.within), row.file) for row in rows]
    assert order == sorted(order)
    assert len({row.file for row in rows}) == len(rows)
    assert {row.source for row in rows} >= {
        "mnist", "fashion_mnist", "svhn", "cifar10", "cifar100", "imagenette_160", "gtsrb",
        "belgiumts", "dfg", "inception_fid", "lpips_vgg", "lpips_alex", "lpips_squeeze",
        "biggan_128", "wong2020fast", "kireev2021",
    }  # fmt: skip
    for download in (each for each in rows if each.url):
        assert download.licence, download
        assert download.terms, download
        assert download.md5 or download.sha256 or "pinned at the first download" in download.note, (
            download
        )


def test_the_registers_hashes_are_torchvisions() -> None:
    from torchvision import datasets

    known = {(row.file, row.md5) for row in read_register()}
    for reader in (datasets.MNIST, datasets.FashionMNIST):
        assert {(f"{reader.__name__}/raw/{name}", md5) for name, md5 in reader.resources} <= known
    for cifar in (datasets.CIFAR10, datasets.CIFAR100):
        assert (cifar.filename, cifar.tgz_md5) in known
        assert {
            (f"{cifar.base_folder}/{name}", md5) for name, md5 in cifar.train_list + cifar.test_list
        } <= known
    assert {(name, md5) for _, name, md5 in datasets.SVHN.split_list.values()} <= known
    assert ("imagenette2-160.tgz", datasets.Imagenette._ARCHIVES["160px"][1]) in known


def test_an_unknown_source_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Refused, match=r"no source 'minst'.*known are .*mnist"):
        rows_of("minst")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"file": "../up"}, "a place under the data root"),
        ({"file": "/abs"}, "a place under the data root"),
        ({"url": ""}, "either a url or the archive"),
        ({"url": "", "within": "no.zip"}, "which is no download of this source"),
        ({"md5": "xyz"}, "md5 32 hexadecimal digits"),
        ({"bytes": "many"}, "bytes must be a whole number"),
        ({"sha256": "abc"}, "the first 8 or more"),
    ],
)
def test_a_malformed_register_is_refused(
    tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    fine = row("a.bin", url="http://x/a.bin")
    path = tmp_path / "sources.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerow({field.name: getattr(fine, field.name) for field in fields(Row)} | change)
    with pytest.raises(Refused, match=sentence):
        read_register(path)


def test_a_register_with_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text("name,url\n")
    with pytest.raises(Refused, match="must have the columns source, file, within"):
        read_register(tmp_path / "sources.csv")
