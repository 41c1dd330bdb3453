"""Counts as people keep them: each file is read in the one way in which a person means it, or refused by a sentence."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from layerpeel.cli import main
from layerpeel.counts.reading import CountsFile, read_counts
from layerpeel.counts.reading.classes import TOTALS
from layerpeel.counts.reading.columns import Table, is_running
from layerpeel.counts.reading.numbers import parsed
from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

STRANGE = 30.0
"""Seconds for a line of 200,000 characters, which is read in a tenth of one; a pattern that goes back and forth would take minutes."""


def written(tmp_path: Path, content: str | bytes, name: str = "counts.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(
    tmp_path: Path, content: str | bytes, *, column: str | None = None, drop: Sequence[str] = ()
) -> tuple[list[float], list[str] | None]:
    found = read_counts(written(tmp_path, content), column=column, drop_rows=drop)
    return list(found.samples), None if found.names is None else list(found.names)


ABC = ([500, 300, 20], ["a", "b", "c"])
READ = {
    "one column": ("500\n300\n20", ([500, 300, 20], None)),
    "one line": ("500 300 20\n", ([500, 300, 20], None)),
    "one line, commas": ("500,300,20\n", ([500, 300, 20], None)),
    "one line, commas that could part thousands": ("500,300,100", ([500, 300, 100], None)),
    "one line, semicolons": ("500;300;20", ([500, 300, 20], None)),
    "one line, tabs": ("500\t300\t20", ([500, 300, 20], None)),
    "comma": ("class,count\na,500\nb,300\nc,20\n", ABC),
    "semicolon": ("class;count\na;500\nb;300\nc;20\n", ABC),
    "tab": ("class\tcount\na\t500\nb\t300\nc\t20\n", ABC),
    "blanks": ("class count\na 500\nb 300\nc 20\n", ABC),
    "blanks without a header": ("a 500\nb 300\nc 20\n", ABC),
    "name and number": ("a,500\nb,300\nc,20\n", ABC),
    "a pipe table": ("| class | count |\n|-------|------:|\n| a | 500 |\n| b | 300 |\n| c | 20 |\n", ABC),
    "old Macintosh": ("class,count\ra,500\rb,300\rc,20\r", ABC),
    "Windows": ("class,count\r\na,500\r\nb,300\r\nc,20\r\n", ABC),
    "UTF-8 with a mark": (b"\xef\xbb\xbfclass,count\na,500\nb,300\nc,20\n", ABC),
    "UTF-16, little end": ("\ufeffclass,count\r\na,500\r\nb,300\r\nc,20\r\n".encode("utf-16-le"), ABC),
    "UTF-16, big end": ("\ufeffclass\tcount\na\t500\nb\t300\nc\t20\n".encode("utf-16-be"), ABC),
    "Western Windows": ("class,count\ncafé,500\nb,300\nc,20\n".encode("cp1252"), ([500, 300, 20], ["café", "b", "c"])),
    "comment lines": ("# of last week\nclass,count\na,500\n# no more\nb,300\nc,20\n", ABC),
    "a comment with a comma": ("# counts, by hand\n500\n300\n20\n", ([500, 300, 20], None)),
    "a title": ("My data set\nclass,count\na,500\nb,300\nc,20\n", ABC),
    "trailing commas": ("500,\n300,\n20,\n", ([500, 300, 20], None)),
    "trailing semicolons": ("class;count;\na;500;\nb;300;\nc;20;\n", ABC),
    "floats": ("class,count\na,500.0\nb,300.0\nc,20.0\n", ABC),
    "numpy.savetxt": ("5.000000000000000000e+02\n3.000000000000000000e+02\n2.000000000000000000e+01\n", ([500, 300, 20], None)),
    "quotes": ('"class","count"\n"a, big","500"\n"b","300"\n"c","20"\n', ([500, 300, 20], ["a, big", "b", "c"])),
    "thousands": ('class,count\na,"12,719"\nb,"3,437"\nc,20\n', ([12719, 3437, 20], ["a", "b", "c"])),
    "thousands in one column": ("12,719\n3,437\n20\n", ([12719, 3437, 20], None)),
    "thousands and semicolons": ("a;12,719\nb;3,437\nc;20\n", ([12719, 3437, 20], ["a", "b", "c"])),
    "colons": ("Class 0: 5000\nClass 1: 2997\nClass 2: 50\n", ([5000, 2997, 50], ["Class 0", "Class 1", "Class 2"])),
    "colons with thousands": ("a: 12,719\nb: 3,437\nc: 20\n", ([12719, 3437, 20], ["a", "b", "c"])),
    "equals": ("a = 500\nb = 300\nc = 20\n", ABC),
    "a pasted dictionary's lines": ("'a': 500,\n'b': 300,\n'c': 20,\n", ABC),
    "ratios are names": ("16:9,500\n4:3,300\n1:1,20\n", ([500, 300, 20], ["16:9", "4:3", "1:1"])),
    "uniq -c": ("    500 a\n    300 b\n     20 c\n", ABC),
    "uniq -c, numbers in names": (
        "      5 men at work\n     13 limit 110\n      9 stop 2\n",
        ([5, 13, 9], ["men at work", "limit 110", "stop 2"]),
    ),
    "uniq -c, sorted, of numbers": ("    500 2\n    300 0\n     20 1\n", ([500, 300, 20], ["2", "0", "1"])),
    "names with blanks": (
        "men at work 5\nno stopping 8\nstop 9\nlimit 110 13\n",
        ([5, 8, 9, 13], ["men at work", "no stopping", "stop", "limit 110"]),
    ),
    "names of two words": ("polar bear 500\nbrown bear 300\nblack bear 20\n", ([500, 300, 20], ["polar bear", "brown bear", "black bear"])),
    "index, name with blanks, number": (
        "0 men at work 5\n1 no stopping 8\n2 stop 9\n",
        ([5, 8, 9], ["men at work", "no stopping", "stop"]),
    ),
    "value_counts": ("a    500\nb    300\nc     20\nName: label, dtype: int64\n", ABC),
    "value_counts with its header": ("label\na    500\nb    300\nc     20\nName: count, dtype: int64\n", ABC),
    "value_counts, names with blanks": (
        "label\npolar bear    500\nbear 2        300\nc              20\nName: count, dtype: int64",
        ([500, 300, 20], ["polar bear", "bear 2", "c"]),
    ),
    "value_counts of numbers": ("2    500\n0    300\n1     20\ndtype: int64\n", ([500, 300, 20], ["2", "0", "1"])),
    "a printed frame": ("  class  count\n0     a    500\n1     b    300\n2     c     20\n", ABC),
    "a frame's CSV": (",class,count\n0,a,500\n1,b,300\n2,c,20\n", ABC),
    "a series' CSV": (",0\na,500\nb,300\nc,20\n", ABC),
    "an index and counts": ("0,500\n1,300\n2,20\n", ([500, 300, 20], ["0", "1", "2"])),
    "an index from one on": ("1 500\n2 300\n3 20\n", ([500, 300, 20], ["1", "2", "3"])),
    "id, name, count": ("id,name,count\n0,men at work,5\n1,limit 110,13\n2,stop,9\n", ([5, 13, 9], ["men at work", "limit 110", "stop"])),
    "ids and weights do not win": (
        "Class,Class ID,Training Samples,Class Weight\na,0,4386,0.3997\nb,1,441,3.9751\nc,2,165,10.6242\n",
        ([4386, 441, 165], ["a", "b", "c"]),
    ),
    "ids and weights of samples do not win": (
        "class,sample weight,image_id,n_samples\na,0.5,11,500\nb,1.5,7,300\nc,9.5,3,20\n",
        ABC,
    ),
    "percentages do not win": ("class,share %,n_photos\na,61,500\nb,36,300\nc,3,20\n", ABC),
    "one word": ("species,imagecount,year\na,500,1999\nb,300,2001\nc,20,1999\n", ABC),
    "capitals within": ("className,numImages,classId\na,500,7\nb,300,9\nc,20,4\n", ABC),
    "side by side": ("a,b,c\n500,300,20\n", ABC),
    "a list": ("[500, 300, 20]", ([500, 300, 20], None)),
    "a list over lines": ("[\n  500,\n  300.0,\n  20\n]\n", ([500, 300, 20], None)),
    "an object": ('{"a": 500, "b": 300, "c": 20}', ABC),
    "an object in an object": ('{"counts": {"a": 500, "b": 300, "c": 20}}', ABC),
    "records": ('[{"name": "a", "count": 500}, {"name": "b", "count": 300}, {"name": "c", "count": 20}]', ABC),
    "records by line": ('{"name": "a", "count": 500}\n{"name": "b", "count": 300}\n{"name": "c", "count": 20}\n', ABC),
    "records by name": ('{"a": {"id": 7, "images": 500}, "b": {"id": 9, "images": 300}, "c": {"id": 3, "images": 20}}', ABC),
    "pairs": ('[["a", 500], ["b", 300], ["c", 20]]', ABC),
    "columns": ('{"class": ["a", "b", "c"], "samples": [500, 300, 20]}', ABC),
    "files of each class": (
        '{"a": ["1.jpg", "2.jpg", "3.jpg"], "b": ["4.jpg"], "c": ["5.jpg", "6.jpg", "7.jpg"]}',
        ([3, 1, 3], ["a", "b", "c"]),
    ),
    "a Counter": ("Counter({'a': 500, 'b': 300, 'c': 20})", ABC),
    "a dictionary of numbers": ("{0: 500, 1: 300, 2: np.int64(20)}", ([500, 300, 20], ["0", "1", "2"])),
    "a printed array": ("[500 300\n  20]", ([500, 300, 20], None)),
    "a printed tensor": ("tensor([500, 300, 20])", ([500, 300, 20], None)),
    "numpy.unique": ("(array([0, 1, 2]), array([500, 300,\n        20]))", ([500, 300, 20], ["0", "1", "2"])),
    "numpy.unique of names": ("(array(['a', 'b', 'c'], dtype='<U1'), array([500, 300,  20]))", ABC),
    "most_common": ("[('a', 500), ('b', 300), ('c', 20)]", ABC),
    "pairs in one line": ("a: 500, b: 300, c: 20\n", ABC),
    "shares behind": ("a 500 61.0%\nblack bear 300 36.6%\nc 20 2.4%\n", ([500, 300, 20], ["a", "black bear", "c"])),
    "shares behind, in brackets": ("a 500 (61.0%)\nb 300 (36.6%)\nc 20 (2.4%)\n", ABC),
    "shares in a column": ("name,share,count\na,61.0%,500\nb,36.6%,300\nc,2.4%,20\n", ABC),
    "numbered names": ("class 1 500\nclass 2 300\nclass 3 20\n", ([500, 300, 20], ["class 1", "class 2", "class 3"])),
    "numbered names behind": (" 500 class 1\n 300 class 2\n  20 class 3\n", ([500, 300, 20], ["class 1", "class 2", "class 3"])),
    "quoted names and blanks": ('"polar bear" 500\n"b" 300\n"c" 20\n', ([500, 300, 20], ["polar bear", "b", "c"])),
    "what a training script prints": ("cls num list:\n[500, 300, 20]\n", ([500, 300, 20], None)),
    "a description in JSON": ('{"dataset": "x", "num_classes": 3, "counts": {"a": 500, "b": 300, "c": 20}}', ABC),
    "names and counts in JSON": ('{"dataset": "x", "classes": ["a", "b", "c"], "num_images": [500, 300, 20]}', ABC),
    "categories in JSON": (
        '{"info": {}, "categories": [{"id": 7, "name": "a", "count": 500}, {"id": 9, "name": "b", "count": 300}]}',
        ([500, 300], ["a", "b"]),
    ),
    "a section": ("[counts]\na = 500\nb = 300\nc = 20\n", ABC),
    "YAML": ("counts:\n  a: 500\n  b: 300\n  c: 20\n", ABC),
    "a list with marks": ("- a: 500\n- b: 300\n- c: 20\n", ABC),
    "with a unit": ("a: 500 images\nb: 300 images\nc: 20 images\n", ABC),
    "with shares": ("a: 500 (61.0%)\nb: 300 (36.6%)\nc: 20 (2.4%)\n", ABC),
    "in brackets": ("a (500)\nb (300)\nc (20)\n", ABC),
    "LaTeX": ("\\hline\nclass & samples \\\\\n\\hline\na & 500 \\\\\nb & 300 \\\\\nc & 20 \\\\ \\hline\n", ABC),
    "an ampersand in names": (
        "arts & crafts,500\nhome & garden,300\nbed & breakfast,20\n",
        ([500, 300, 20], ["arts & crafts", "home & garden", "bed & breakfast"]),
    ),
    "older value_counts": (",label\na,500\nb,300\nc,20\n", ABC),
    "older value_counts, reset": ("index,label\na,500\nb,300\nc,20\n", ABC),
    "labels of samples": ("id,label\n1,frog\n2,truck\n3,truck\n4,deer\n", ([1, 1, 2], ["deer", "frog", "truck"])),
    "numbered paths": ("0,img/1.png,dog\n1,img/2.png,cat\n2,img/3.png,dog\n", ([1, 2], ["cat", "dog"])),
    "effective numbers": ("class,effective samples\na,99.5\nb,20.25\nc,3\n", ([99.5, 20.25, 3], ["a", "b", "c"])),
    "path and label": ("img/a1.jpg 0\nimg/a2.jpg 0\nimg/a3.jpg 0\nimg/b1.jpg 10\nimg/c1.jpg 2\n", ([3, 1, 1], ["0", "2", "10"])),
    "paths with blanks": ("my img/a 1.JPG 0\nmy img/a 2.JPG 0\nmy img/b 1.JPG 1\n", ([2, 1], ["0", "1"])),
    "path, label": ("img/1.png,dog\nimg/2.png,polar bear\nimg/3.png,dog\n", ([2, 1], ["dog", "polar bear"])),
    "path, label with a header": ("filename,label,width\n1.png,dog,3\n2.png,cat,5\n3.png,dog,7\n", ([1, 2], ["cat", "dog"])),
    "label first": ("dog\timg/1.png\ncat\timg/2.png\ndog\timg/3.png\n", ([1, 2], ["cat", "dog"])),
    "paths in folders": ("train/dog/1.jpg\ntrain/polar bear/2.jpg\ntrain/dog/3.jpg\n", ([2, 1], ["dog", "polar bear"])),
    "paths of Windows": ("train\\dog\\1.jpg\r\ntrain\\cat\\2.jpg\r\ntrain\\dog\\3.jpg\r\n", ([1, 2], ["cat", "dog"])),
}


@pytest.mark.parametrize("case", READ)
def test_counts_are_read_as_they_are_meant(tmp_path: Path, case: str) -> None:
    content, meant = READ[case]
    assert read(tmp_path, content) == meant


REFUSED = {
    "two columns of one name": ("count,count\n500,100\n300,60\n20,4\n", ["2 columns named 'count'", "--column 1"]),
    "two splits": (
        "Class,Train Count,Val Count,Train %,Val %\na,1228,184,7.5,9.1\nb,1337,154,8.2,7.6\nc,479,61,2.9,3.0\n",
        ["Train Count, Val Count", '--column "Train Count"'],
    ),
    "weights only": ("class,weight\na,0.0426\nb,0.5\nc,2.86\n", ["weight", "no column that says counts", "--column"]),
    "two unknown columns": ("name,2019,2020\na,5,7\nb,9,8\n", ["2 columns", "--column"]),
    "three columns of numbers": ("5 7 9\n1 2 8\n", ["columns", "--column"]),
    "a total without a name": ("Class,Count\na,1247\nb,758\nc,310\nd,94\n,2409\n", ["line 6", "'2409'", "no name", "--drop-row 6"]),
    "a total with a name": ("class,count\na,1247\nb,758\nc,310\nd,94\nTotal,2409\n", ["line 6", "'Total'", "--drop-row 6", "--keep-row 6"]),
    "another total's name": ("class,count\na,1247\nb,758\nSum:,2409\n", ["line 4", "'Sum:'", "total"]),
    "a total by its number": ("500\n300\n20\n820\n", ["line 4", "820", "sum of all others", "--drop-row 4", "--keep-row 4"]),
    "a total in JSON": ('{"a": 500, "b": 300, "everything": 800}', ["entry 3 (everything)", "800", "--drop-row 3"]),
    "a class twice": ("class,count\na,500\nb,300\na,20\n", ["'a' twice", "lines 2 and 4", "--drop-row 4"]),
    "a class twice in JSON": ('{"a": 500, "b": 300, "a": 20}', ["'a' twice", "entries 1 and 3"]),
    "shares": ("class,amount\na,61.5\nb,36.1\nc,2.4\n", ["percentages", "--column"]),
    "zero": ("class,count\na,500\nb,0\nc,20\n", ["line 3", "'0'", "at least 1", "--drop-row 3"]),
    "unknown": ("class,count\na,500\nb,n/a\nc,20\n", ["line 3", "'n/a'"]),
    "unknown in the first row": ("a,n/a\nb,300\nc,20\n", ["line 1", "'n/a'"]),
    "a dot between semicolons": ("a;12.719\nb;3.437\nc;20\n", ["line 1", "'12.719'", "12719"]),
    "both ends are numbers": ("14 limit 110\n3 old route 66\n9 area 51\n", ["line 1", "begins and ends with a number", "commas"]),
    "rows left out": ("a     500\n     ... \nz      20\nName: label, Length: 70, dtype: int64\n", ["line 2", "left out", "to_csv"]),
    "several sets": ('{"train": {"a": 5, "b": 3}, "val": {"a": 1, "b": 1}}', ["train, val", "--column train"]),
    "broken JSON": ('{"a": 500, "b"', ["no JSON", "line 1"]),
    "nested JSON": ('[{"a": 1}, [2, 3]]', ["expected", "one number"]),
    "deep JSON": ("[" * 100_000, ["no JSON"]),
    "one folder": ("train/images/1.jpg\ntrain/images/2.jpg\n", ["one folder, 'images'", "labels"]),
    "a list with a broken line": ("img/1.jpg 0\nimg/2.jpg 1\nimg/3.jpg\n" + "img/4.jpg 1\n" * 50 + "img/5.jpg\n", ["line"]),
    "two columns of labels": ("a.jpg,dog,train\nb.jpg,cat,val\n", ["columns 2, 3", "--column"]),
    "binary": (b"\x80\x04\x95\x0c\x00\x01\x02", ["not text"]),
    "compressed": (b"\x1f\x8b\x08\x08abcdefgh\x03\x01", ["not text"]),
    "UTF-16 that ends in half a letter": ("\ufeff500\n300\n".encode("utf-16-le") + b"5", ["not text"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused(tmp_path: Path, case: str) -> None:
    content, fragments = REFUSED[case]
    refused(lambda: read(tmp_path, content), str(tmp_path / "counts.csv"), *fragments)


SPLIT = "Class,Train Count,Val Count,count,count\na,500,50,1,4\nb,300,30,2,5\nc,20,2,7,6\n"


@pytest.mark.parametrize(
    ("column", "counts"), [("Train Count", [500, 300, 20]), ("val count", [50, 30, 2]), ("3", [50, 30, 2]), ("5", [4, 5, 6])]
)
def test_a_column_is_chosen_by_name_or_number(tmp_path: Path, column: str, counts: list[int]) -> None:
    assert read(tmp_path, SPLIT, column=column) == (counts, ["a", "b", "c"])


def test_a_column_that_is_not_there_or_not_alone_is_refused(tmp_path: Path) -> None:
    refused(lambda: read(tmp_path, SPLIT, column="Test"), "--column 'Test'", "2 (Train Count)")
    refused(lambda: read(tmp_path, SPLIT, column="6"), "--column '6'")
    refused(lambda: read(tmp_path, SPLIT, column="count"), "2 columns named 'count'", "--column 4")


def test_a_column_of_labels_is_counted(tmp_path: Path) -> None:
    metadata = "image_id,dx,age\nISIC_1,nv,30\nISIC_2,mel,40\nISIC_3,nv,50\n"
    assert read(tmp_path, metadata, column="dx") == ([1, 2], ["mel", "nv"])
    assert read(tmp_path, "f.jpg,dog,train\ng.jpg,cat,val\nh.jpg,dog,val\n", column="2") == ([1, 2], ["cat", "dog"])


def test_one_of_several_sets_is_chosen(tmp_path: Path) -> None:
    assert read(tmp_path, '{"train": {"a": 5, "b": 3}, "val": {"a": 1, "b": 1}}', column="train") == ([5, 3], ["a", "b"])


WITH_TOTALS = "class,count\na,1247\nb,758\nTotal,2005\n,2005\n"


def test_rows_that_are_no_classes_are_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, WITH_TOTALS, drop=["total", "5"]) == ([1247, 758], ["a", "b"])
    assert read(tmp_path, '{"a": 500, "b": 300, "all": 800}', drop=["all"]) == ([500, 300], ["a", "b"])
    assert read(tmp_path, "500\n300\n20\n820\n", drop=["4"]) == ([500, 300, 20], None)
    refused(lambda: read(tmp_path, WITH_TOTALS, drop=["nobody"]), "--drop-row 'nobody'", "no row")
    refused(lambda: read(tmp_path, "a,5\na,3\nb,2\n", drop=["a"]), "--drop-row 'a'", "lines 1, 2")
    refused(lambda: read(tmp_path, "a,5\nb,3\n", drop=["a", "b"]), "leaves no class")


def test_a_class_that_looks_like_a_total_is_kept_on_demand(tmp_path: Path) -> None:
    path = written(tmp_path, "class,count\ncat,500\ndog,300\nowl,200\n")
    refused(lambda: read_counts(path), "line 2 (cat)", "sum of all others", "--keep-row 2")
    for row in ("cat", "2"):
        assert read_counts(path, keep_rows=[row]).samples == (500, 300, 200)
    named = written(tmp_path, "class,count\nall,9\nsome,5\nfew,2\n")
    refused(lambda: read_counts(named), "'all'", "--keep-row 2")
    assert read_counts(named, keep_rows=["all"]).names == ("all", "some", "few")
    refused(lambda: read_counts(named, keep_rows=["some"]), "'all'", "a total is not a class")
    refused(lambda: read_counts(named, keep_rows=["none"]), "--keep-row 'none'", "no row")
    folders = tmp_path / "images"
    for name in ("cat", "dog"):
        (folders / name).mkdir(parents=True)
        (folders / name / "a.png").touch()
    refused(lambda: read_counts(folders, keep_rows=["owl"]), "--keep-row 'owl'", "no row")


def test_a_directory_has_a_folder_per_class(tmp_path: Path) -> None:
    for name in ("dog/1.jpg", "dog/more/2.JPG", "dog/notes.txt", "cat/3.png", "cat/.hidden.png", "readme.txt", "10/4.png", "9/5.png"):
        path = tmp_path / "train" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    found = read_counts(tmp_path / "train")
    assert (found.samples, found.names) == ((1, 1, 1, 2), ("9", "10", "cat", "dog"))
    assert read_counts(tmp_path / "train", drop_rows=["9", "10"]).names == ("cat", "dog")
    (tmp_path / "train" / "owl").mkdir()
    refused(lambda: read_counts(tmp_path / "train"), "folder owl", "--drop-row owl")
    refused(lambda: read_counts(tmp_path), "train", "no classes", str(tmp_path / "train"))
    refused(lambda: read_counts(tmp_path / "train" / "owl"), "one folder per class")


def test_files_that_are_no_images_are_counted_where_there_are_none(tmp_path: Path) -> None:
    for name in ("a/1.txt", "a/2.txt", "b/3.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert read_counts(tmp_path).samples == (2, 1)


def test_counts_come_through_a_pipe() -> None:
    program = "import pathlib, layerpeel.counts.reading as r; print(r.read_counts(pathlib.Path('/dev/stdin')).samples)"
    ran = subprocess.run([sys.executable, "-c", program], input="class,count\na,5\nb,3\n", capture_output=True, text=True, check=True)
    assert ran.stdout == "(5, 3)\n"


# A list is counted as it is read


def list_of(lines: int, path: Path, line: Callable[[int], str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(line(index) for index in range(lines))


@pytest.mark.slow
@pytest.mark.parametrize("delimiter", [" ", ","])
def test_a_million_images_are_counted(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "train.txt"
    list_of(10**6, path, lambda index: f"train/n{index % 1000:08d}/n{index % 1000:08d}_{index}.JPEG{delimiter}{index % 1000}\n")
    assert read_counts(path).samples == (1000,) * 1000  # how long it takes: benchmarks/counting.py


def test_a_list_is_counted_in_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "train.txt"
    list_of(200_000, path, lambda index: f"{'deep/' * 20}n{index % 10}/{index}.JPEG {index % 10}\n")
    tracemalloc.start()
    read_counts(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 20e6
    assert peak < 16e6  # a block, its text and its lines


def test_a_list_may_be_larger_than_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.counts.reading.streams.LARGEST_COUNTS", 1000)
    assert read(tmp_path, "img/1.jpg 0\nimg/2.jpg 1\n" * 100) == ([100, 100], ["0", "1"])
    refused(lambda: read(tmp_path, "5\n" * 501), "more than 1000 bytes")


@pytest.mark.parametrize(
    "line", ["a" + " " * 200_000 + "b", " " * 200_000 + "5", "a.jpg" + " " * 200_000, "a:" * 100_000, "(" * 200_000, "[" * 200_000]
)
def test_a_strange_line_takes_no_longer_than_another(tmp_path: Path, line: str) -> None:
    from layerpeel.numerics import UnusableInput

    began = time.process_time()
    for content in (line, f"{line}\n{line}\n", f"a.jpg 1\n{line} 1\n"):
        with suppress(UnusableInput):
            read(tmp_path, content)
    assert time.process_time() - began < STRANGE


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("block", range(5, 12))
def test_lines_are_the_same_however_they_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, encoding: str, block: int
) -> None:
    monkeypatch.setattr("layerpeel.counts.reading.streams.HEAD", 200)
    monkeypatch.setattr("layerpeel.counts.reading.streams.BLOCK", block)
    lines = [f"bär/{index}.jpg {label}" for label in ("ö", "x") for index in range(20)]
    assert read(tmp_path, end.join([*lines, ""]).encode(encoding)) == ([20, 20], ["x", "ö"])


def test_a_list_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.counts.reading.streams.LONGEST_LINE", 1000)
    refused(lambda: read(tmp_path, "img/1.jpg 0\n" * 6000 + "x" * 5000), "more than 1000 characters")
    monkeypatch.setattr("layerpeel.counts.reading.images.MOST_CLASSES", 10)
    refused(lambda: read(tmp_path, "".join(f"{index}.jpg {index}\n" for index in range(20))), "more than 10 classes")
    refused(lambda: read(tmp_path, "5\n" * 20), "more than 10 rows")
    refused(lambda: read(tmp_path, str([5] * 20)), "more than 10 rows")
    refused(lambda: read(tmp_path, b"img/1.jpg 0\n" * 6000 + b"\0" * 5000), "not text")


# Every format says the same

LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyzäß")
WORDS = st.text(LETTERS, min_size=1, max_size=8)
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join).filter(lambda name: name not in TOTALS)
CLASSES = st.dictionaries(NAMES, st.integers(1, 10**6), min_size=3, max_size=8).filter(
    lambda classes: 2 * max(classes.values()) != sum(classes.values())
)


def delimited(delimiter: str, header: str) -> Callable[[dict[str, int]], str]:
    return lambda classes: header + "".join(f"{name}{delimiter}{count}\n" for name, count in classes.items())


FORMATS: dict[str, Callable[[dict[str, int]], str]] = {
    "comma": delimited(",", "class,samples\n"),
    "comma without a header": delimited(",", ""),
    "semicolon": delimited(";", "name;n\n"),
    "tab": delimited("\t", "species\timages\n"),
    "colon": delimited(": ", ""),
    "blanks": delimited(" ", ""),
    "comment": delimited(",", "# a, comment\nclass,count\n"),
    "uniq": lambda classes: "".join(f"{count:7d} {name}\n" for name, count in classes.items()),
    "pandas": lambda classes: (
        "label\n" + "".join(f"{name:30s}{count:10d}\n" for name, count in classes.items()) + "Name: count, dtype: int64\n"
    ),
    "index": lambda classes: ",class,count\n" + "".join(f"{i},{name},{count}\n" for i, (name, count) in enumerate(classes.items())),
    "quoted thousands": lambda classes: "class,count\n" + "".join(f'"{name}","{count:,}"\n' for name, count in classes.items()),
    "floats": lambda classes: "class,count\n" + "".join(f"{name},{count}.0\n" for name, count in classes.items()),
    "with weights": lambda classes: "class,weight,id,count\n" + "".join(f"{n},{1 / c},{7 * c},{c}\n" for n, c in classes.items()),
    "object": json.dumps,
    "records": lambda classes: json.dumps([{"id": 3 * c, "name": n, "samples": c} for n, c in classes.items()], indent=1),
    "printed": str,
    "pipes": lambda classes: "| class | n |\n|---|---|\n" + "".join(f"| {name} | {count} |\n" for name, count in classes.items()),
}


@pytest.mark.parametrize("form", FORMATS)
@given(classes=CLASSES, mark=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), end=st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=40, deadline=None)
def test_every_format_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, form: str, classes: dict[str, int], mark: str, end: str
) -> None:
    path = tmp_path_factory.mktemp("counts") / "counts"
    path.write_bytes(FORMATS[form](classes).replace("\n", end).encode(mark))
    found = read_counts(path)
    assert dict(zip(found.names or (), found.samples, strict=True)) == classes
    assert list(found.names or ()) == list(classes)


@given(counts=st.lists(st.integers(1, 10**6), min_size=2, max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_list_of_images_says_what_it_lists(tmp_path_factory: pytest.TempPathFactory, counts: list[int]) -> None:
    counts = [1 + count % 9 for count in counts]
    path = tmp_path_factory.mktemp("counts") / "list"
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    for form in ("img/{i}.jpg {label}", "img/{i}.jpg,{label}", "img/{label}/{i}.jpg", "{label}\timg/{i}.jpg"):
        path.write_text("".join(form.format(i=i, label=label) + "\n" for i, label in enumerate(labels)))
        assert read_counts(path).samples == tuple(counts)


@given(st.text(st.sampled_from("ab01,.;:\t \n#|\"'{}[]-%"), max_size=60))
@settings(max_examples=400, deadline=None)
def test_whatever_is_given_is_read_or_refused_by_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    from layerpeel.numerics import UnusableInput

    path = tmp_path_factory.mktemp("counts") / "counts"
    path.write_text(text, newline="")
    sentence = None
    try:
        found = read_counts(path)
    except UnusableInput as error:
        sentence = str(error)
    else:
        assert all(count >= 1 for count in found.samples)
        assert found.names is None or len(set(found.names)) == len(found.samples)
    assert sentence is None or (sentence.endswith(".") and "\n" not in sentence)


def test_numbers_are_numbers() -> None:
    assert parsed("+5") == 5
    assert parsed("1_000") == 1000
    assert parsed("1,2345") == 1.2345
    assert parsed("0x10") is None
    assert parsed("٣") is None
    assert parsed("1" * 41) is None
    assert is_running(["2", "0", "1"])
    assert not is_running(["2", "0", "3"])
    assert not is_running(["1", "1", "2"])
    assert Table(None, [(1, ["a"])]).width == 1


# Weights, and how classes are posed


def test_weights_multiply_what_the_loss_counts(tmp_path: Path) -> None:
    counts = written(tmp_path, "class,count\na,100\nb,10\nc,10\n")
    weights = written(tmp_path, "class,weight\nb,2\nc,2.5\na,0.5\n", "weights.csv")
    classes = read_counts(counts, weights=weights)
    assert classes.loss_weights == (0.5, 2.0, 2.5)  # by name
    problem = classes.posed(LayerPeeled, feature_energy=1.0)
    assert [(group.classes, group.samples) for group in problem.groups] == [(1, 50.0), (1, 20.0), (1, 25.0)]
    sample = classes.posed(LayerPeeled, feature_energy=1.0, norm_weights="sample")
    plain = LayerPeeled(counts=[100, 10, 10], feature_energy=1.0, norm_weights="sample")
    assert sample.scales.tolist() == [plain.scales[0], plain.scales[1], plain.scales[1]]  # a weight in the loss leaves the norms
    assert sample.weights.tolist() == problem.weights.tolist()


def test_weights_without_names_stand_in_order(tmp_path: Path) -> None:
    counts = written(tmp_path, "class,count\na,100\nb,10\n")
    for content in ("0.5\n2\n", "[0.5, 2]", "0.5 2", "0,0.5\n1,2\n"):
        assert read_counts(counts, weights=written(tmp_path, content, "weights")).loss_weights == (0.5, 2.0)
    for content, fragments in {
        "1\n2\n3\n": ["3 weights for 2 classes"],
        "1\n0\n": ["line 2", "'0'", "positive"],
        "a,1\nd,2\n": ["'d'", "same classes"],
    }.items():
        refused(lambda content=content: read_counts(counts, weights=written(tmp_path, content, "weights")), "weights file", *fragments)


def test_equal_products_are_one_group_and_equal_counts_may_be_two(tmp_path: Path) -> None:
    counts = written(tmp_path, "100\n10\n10\n20\n")
    weights = written(tmp_path, "1\n2\n1\n1\n", "weights")
    problem = read_counts(counts, weights=weights).posed(LayerPeeled, feature_energy=1.0)
    assert [(group.classes, group.samples) for group in problem.groups] == [(1, 100.0), (2, 20.0), (1, 10.0)]
    assert problem.group_of_class == (0, 1, 2, 1)


def test_effective_numbers_are_posed_where_classes_weigh_the_norms(tmp_path: Path) -> None:
    classes = read_counts(written(tmp_path, "99.5\n20.25\n3\n"))
    problem = classes.posed(LayerPeeled, feature_energy=1.0)
    assert [group.samples for group in problem.groups] == [99.5, 20.25, 3.0]
    refused(lambda: classes.posed(UnconstrainedFeatures, feature_penalty=0.1, weight_penalty=0.1), "99.5", "--norm-weights class")


def test_options_of_a_counts_file_go_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--column", "--drop-row", "--keep-row", "--weights"):
        assert main(["solve", "--groups", "2x5,2x3", "--feature-energy", "1", option, "x"]) == 2
        assert f"{option} is given without --counts" in capsys.readouterr().err
    file = CountsFile(path=Path("c.csv"), column="n", drop_rows=("Total", "7"), keep_rows=("all",), weights=Path("w.csv"))
    rows = ["--drop-row", "Total", "--drop-row", "7", "--keep-row", "all"]
    assert file.options() == ["--counts", "c.csv", "--column", "n", *rows, "--weights", "w.csv"]
