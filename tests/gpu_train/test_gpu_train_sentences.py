"""Rated sentences: the grammar's ratings worked out by hand, files in the form of SST-2, and the encoder that reads them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused

from layerpeel.gpu_train.experiments import Plan
from layerpeel.gpu_train.experiments.sentences import sentence_unit, sentence_units
from layerpeel.gpu_train.sentences import BAD, GOOD, TURNED, Sentences, grammar_sentences, rated_sentence, read_sentences, spelled
from layerpeel.gpu_train.transformers import POOLINGS, SentenceEncoder, pooled_layers


def by_hand(text: str) -> int:
    """The rating of the clause after "but" or the comma: that of its adjective, turned where a word turns it."""
    words = text.replace(" , ", " but ").split(" but ")[-1].split()
    return int((words[-1] in GOOD) != any(word in TURNED for word in words))


def grammar(seed: int = 0) -> Sentences:
    return grammar_sentences(30, 20, np.random.default_rng(seed))


def test_ratings_follow_from_the_last_clause() -> None:
    rng = np.random.default_rng(0)
    drawn = [rated_sentence(rng) for _ in range(500)]
    assert all(by_hand(text) == rating for text, rating in drawn)
    assert 150 < sum(rating for _, rating in drawn) < 350
    for word in ("not", "good", "dull"):  # no word by itself decides
        assert {rating for text, rating in drawn if word in text.split()} == {0, 1}
    assert not set(GOOD) & set(BAD)


def test_no_sentence_is_trained_on_and_tested_on_or_comes_twice() -> None:
    sentences = grammar()
    assert (sentences.train.counts.tolist(), sentences.test.counts.tolist()) == ([30, 30], [20, 20])
    rows = [tuple(row.ravel()) for part in (sentences.train, sentences.test) for row in part.pixels]
    assert len(set(rows)) == 100
    for row, text in enumerate(spelled(sentences, range(60))):
        assert by_hand(text) == sentences.train.labels[row]


def test_more_than_the_grammar_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.gpu_train.sentences.rated_sentence", lambda _rng: ("it is good", 1))
    refused(lambda: grammar_sentences(2, 2, np.random.default_rng(0)), "4 different sentences", "ask for less")


def written(folder: Path, train: str, dev: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.tsv").write_text(train, encoding="utf-8")
    (folder / "dev.tsv").write_text(dev, encoding="utf-8")
    return folder


HEAD = "sentence\tlabel\n"
TRAIN = HEAD + 'a "good film\t1\na bad film \t0\ngood\t1\nbad\t0\n'


def test_sentences_of_a_folder_are_read_as_those_of_the_grammar(tmp_path: Path) -> None:
    found = read_sentences(written(tmp_path / "texts", TRAIN, HEAD + "an odd film\t1\nbad\t0\n"), 2, 2, np.random.default_rng(0))
    assert found.train.counts.tolist() == [2, 2]
    assert found.test.counts.tolist() == [1, 1]  # as many as there are
    assert set(found.words) == {"a", '"good', "good", "film", "bad"}
    (odd,) = [row.ravel() for row, label in zip(found.test.pixels, found.test.labels, strict=True) if label == 1]
    assert odd.tolist() == [6.0, 6.0, found.words.index("film") + 1.0]  # unknown words share a number
    assert found.train.name == "texts"


def test_folders_that_hold_no_sentences_are_refused(tmp_path: Path) -> None:
    def no(folder: Path, *words: str) -> None:
        refused(lambda: read_sentences(folder, 2, 2, np.random.default_rng(0)), *words)

    no(tmp_path / "nowhere", "train.tsv cannot be read", "SST-2", "grammar")
    no(written(tmp_path / "cut", TRAIN, HEAD + "a film\n"), "line 2 of", "dev.tsv", "0 or 1")
    no(written(tmp_path / "rated", TRAIN, HEAD + "a film\t3\n"), "line 2 of")
    no(written(tmp_path / "few", HEAD + "a\t1\nb\t1\nc\t0\n", TRAIN), "holds 1 sentences rated 0 (bad) and 2 are needed")
    no(written(tmp_path / "one", TRAIN, HEAD + "a\t1\n"), "holds 0 sentences rated 0")
    (written(tmp_path / "bytes", TRAIN, TRAIN) / "train.tsv").write_bytes(b"\xff\xfe\x00")
    no(tmp_path / "bytes", "cannot be read")


def test_what_stands_after_the_end_of_a_sentence_is_not_seen() -> None:
    model = SentenceEncoder(10, 6, 2, pooling="average", width=8, heads=2, layers=2).eval()
    short, long = torch.tensor([[[[3.0, 4.0, 0.0, 0.0, 0.0, 0.0]]]]), torch.tensor([[[[3.0, 4.0]]]])
    shorter = SentenceEncoder(10, 2, 2, pooling="average", width=8, heads=2, layers=2).eval()
    state = model.state_dict()
    state["embedding.places"] = state["embedding.places"][:3]
    shorter.load_state_dict(state)
    with torch.no_grad():
        assert torch.allclose(model(short), shorter(long), atol=1e-6)
        assert not torch.allclose(model(short), model(short.roll(1)), atol=1e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_classifier_reads_the_last_layer_as_it_is_measured(pooling: str) -> None:
    sentences = grammar()
    model = SentenceEncoder(len(sentences.words) + 1, sentences.train.pixels.shape[-1], 2, pooling=pooling, width=8, heads=2, layers=3)
    layers = pooled_layers(model, sentences.train)
    assert [layer.shape for layer in layers] == [(60, 8)] * 3
    with torch.no_grad():
        logits = model.eval()(torch.from_numpy(sentences.train.pixels)).numpy()
        assert np.allclose(model.classifier(torch.from_numpy(layers[-1])).numpy(), logits, atol=1e-5)
    refused(lambda: pooled_layers(torch.nn.Linear(2, 2), sentences.train), "Linear is no SentenceEncoder")


def test_a_unit_leaves_d_of_every_layer_of_the_encoder() -> None:
    shape = {"width": 8, "heads": 2, "layers": 3, "epochs": 2, "learning_rate": 1e-3, "optimizer": "adam", "batch_size": 20}
    unit = sentence_unit("cls", {"variant": "cls", "pooling": "cls", **shape}, grammar(), device="cpu")
    arrays = unit.run(np.random.default_rng(0), None, lambda _share: None)
    assert arrays["fuzziness"].shape == arrays["test_fuzziness"].shape == (3, 3)
    assert arrays["batch_fuzziness"].shape == (3, 0)


def test_units_of_a_folder_and_of_the_grammar(tmp_path: Path) -> None:
    assert [unit.settings["pooling"] for unit in sentence_units(Plan())] == list(POOLINGS)
    refused(lambda: sentence_units(Plan(data=tmp_path)), "train.tsv cannot be read")
    refused(lambda: SentenceEncoder(5, 5, 2, pooling="last"), "pooling 'last' is unknown")
    refused(lambda: SentenceEncoder(5, 5, 2, pooling="cls", width=9, heads=2), "2 heads do not divide a width of 9")
