"""Words as they are stored and asked for: folding, phrases, unfinished words, rubbish, snippets."""

import pytest

from evidence.rules.search import (
    MAX_PHRASE,
    MAX_QUERY_CHARACTERS,
    MAX_TERMS,
    PASSAGE_WORDS,
    Term,
    hits_in,
    parse_query,
    passages_of,
    snippet_of,
    words_of,
)

WORDS = [
    ("Café-Besuch", ["cafe", "besuch"]),
    ("Straße ŁÓDŹ İzmir Ærø", ["strasse", "lodz", "izmir", "aero"]),
    ("cafe\u0301", ["cafe"]),
    ("don't self_assess", ["don", "t", "self", "assess"]),
    ("日本語テスト", list("日本語テスト")),
    ("Call日本", ["call", "日", "本"]),
    ("שָׁלוֹם", ["שלום"]),
    ("مُحَمَّد", ["محمد"]),
    ("Ελληνικά", ["ελληνικα"]),
    ("٣ 7 x2", ["٣", "7", "x2"]),
    ("🙂 --- \x00 ' \" *", []),
    ("a" * 300, ["a" * 100]),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_words_are_cut_and_folded(text: str, words: list[str]) -> None:
    assert [word.folded for word in words_of(text)] == words


def test_vowel_signs_belong_to_their_word() -> None:
    assert len(list(words_of("हिन्दी का"))) == 2
    assert [w.folded for w in words_of("का")] != [w.folded for w in words_of("की")]


QUERIES = [
    ("", []),
    ("refund", [Term(("refund",), True)]),
    ("Refund  CALLS", [Term(("refund",)), Term(("calls",), True)]),
    ('"team meeting"', [Term(("team", "meeting"))]),
    ("“team meeting” x", [Term(("team", "meeting")), Term(("x",))]),
    ('"never closed end', [Term(("never", "closed", "end"))]),
    ("self-assess", [Term(("self", "assess"), True)]),
    ("NEAR(a b) OR c* -d", [Term(("near", "a")), Term(("b",)), Term(("or",)), Term(("c",)), Term(("d",))]),
    ("same same", [Term(("same",)), Term(("same",), True)]),
    ("title:x ^y {z} :w & | ! <->", [Term(("title", "x")), Term(("y",)), Term(("z",)), Term(("w",))]),
    ("' OR 1=1 --", [Term(("or",)), Term(("1", "1"))]),
    ('"" "" " *** 🙂 \u202e', []),
    ("nul\x00inside", [Term(("nulinside",), True)]),
    ("\ud800lone", [Term(("lone",), True)]),
    ("日本", [Term(("日", "本"))]),
]


@pytest.mark.parametrize(("typed", "terms"), QUERIES)
def test_a_query_is_read(typed: str, terms: list[Term]) -> None:
    assert list(parse_query(typed).terms) == terms


@pytest.mark.parametrize("typed", ["word " * 2000, "x" * 10_000, '"' * 10_000, " ".join(map(str, range(20)))])
def test_a_long_query_is_shortened_and_says_so(typed: str) -> None:
    query = parse_query(typed)

    assert len(query.terms) <= MAX_TERMS
    assert all(len(term.words) <= MAX_PHRASE for term in query.terms)
    assert query.shortened
    assert not parse_query(typed[: MAX_QUERY_CHARACTERS // 50]).shortened


def test_passages_overlap_so_that_no_phrase_is_lost() -> None:
    text = " ".join(f"w{n}" for n in range(3 * PASSAGE_WORDS))
    passages = list(passages_of(text))
    whole = [word.folded for word in words_of(text)]
    phrases = {
        passage.words[at : at + MAX_PHRASE] for passage in passages for at in range(len(passage.words))
    }

    assert all(text[p.start :].startswith(p.text) and len(p.words) <= PASSAGE_WORDS for p in passages)
    assert all(tuple(whole[at : at + MAX_PHRASE]) in phrases for at in range(len(whole) - MAX_PHRASE + 1))


@pytest.mark.parametrize(("words", "count"), [(0, 0), (1, 1), (PASSAGE_WORDS, 1), (PASSAGE_WORDS + 1, 2)])
def test_a_text_without_words_has_no_passage(words: int, count: int) -> None:
    assert len(list(passages_of("a " * words + "…"))) == count


HITS = [
    ("A Café there", [Term(("cafe",))], ["Café"]),
    ("refunds refund", [Term(("refund",), True)], ["refunds", "refund"]),
    ("refunds refund", [Term(("refund",))], ["refund"]),
    ("team, meeting of the team", [Term(("team", "meeting"))], ["team, meeting"]),
    ("a b a b a", [Term(("a", "b", "a"))], ["a b a b a"]),
    ("日本語", [Term(("本", "語"))], ["本語"]),
    ("nothing", [Term(("other",))], []),
    ("end of it", [Term(("it", "goes"))], []),
]


@pytest.mark.parametrize(("text", "terms", "found"), HITS)
def test_hits_are_found_where_they_stand(text: str, terms: list[Term], found: list[str]) -> None:
    assert [text[start:end] for start, end in hits_in(text, terms)] == found


def test_a_snippet_shows_the_first_hit_with_what_stands_round_it() -> None:
    text = "begin " * 100 + "the <b>refund</b>\nand " + "end " * 100
    snippet = snippet_of(text, [Term(("refund",))])

    assert [piece for piece, looked_for in snippet.pieces if looked_for] == ["refund"]
    assert snippet.pieces[0] == ("…", False)
    assert snippet.pieces[-1] == ("…", False)
    assert "</b> and end" in "".join(piece for piece, _ in snippet.pieces)
    assert text[snippet.at :].startswith("refund")
    assert len("".join(piece for piece, _ in snippet.pieces)) < 300


def test_a_snippet_without_a_hit_is_the_beginning() -> None:
    assert snippet_of("Some title", [Term(("e007",))]).pieces == (("Some title", False),)
