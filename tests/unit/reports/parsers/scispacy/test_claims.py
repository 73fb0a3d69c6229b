import pytest

from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.parsers.scispacy.claims import tree_claims
from asg_core.reports.parsers.scispacy.parser import tokens_of
from asg_core.reports.parsers.scispacy.tree import Token
from support.trees import document

Row = tuple[str, str, tuple[str, ...]]

BOTH_LUNGS = ("left lung", "right lung")
BOTH_ANGLES = ("left costophrenic angle", "right costophrenic angle")
BOTH_APICES = ("left apical zone", "right apical zone")
NOWHERE = ("unspecified",)
HEART = ("cardiac silhouette",)
LEFT_BASE = ("left lower lung zone",)
BOTH_BASES = (*LEFT_BASE, "right lower lung zone")
RIGHT_APEX = ("right apical zone",)

NO_EFFUSION = ("pleural effusion", "absent", BOTH_ANGLES)
NO_EDEMA = ("edema", "absent", BOTH_LUNGS)
NO_PNEUMOTHORAX = ("pneumothorax", "absent", BOTH_APICES)


def read(line: str) -> list[Row]:
    tree = document(line)
    claims = tree_claims(load_lexicon(), tree.text, tokens_of(tree), max_scope=40)
    return [(claim.finding, claim.existence.value, claim.regions) for claim in claims]


def by_clauses(text: str) -> list[Row]:
    claims = read_claims(load_lexicon(), text, max_scope=40)
    return [(claim.finding, claim.existence.value, claim.regions) for claim in claims]


# One sentence in the Stanford style, and in the ClearNLP style where that differs.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # denials over coordinations
        ("No/det/2 effusion/ROOT/0 or/cc/2 pneumothorax/conj/2 ./punct/2", [NO_EFFUSION, NO_PNEUMOTHORAX]),
        ("No/neg/2 effusion/ROOT/0 ,/punct/2 edema/conj/2 ,/punct/2 or/cc/2 pneumothorax/conj/2 ./punct/2", [NO_EFFUSION, NO_EDEMA, NO_PNEUMOTHORAX]),
        ("No/det/2 effusion/ROOT/0 ,/punct/2 edema/conj/2 ,/punct/4 or/cc/4 pneumothorax/conj/4 ./punct/2", [NO_EFFUSION, NO_EDEMA, NO_PNEUMOTHORAX]),
        ("No/det/2 effusion/nsubjpass/6 or/cc/2 edema/conj/2 is/auxpass/6 seen/ROOT/0 ./punct/6", [NO_EFFUSION, NO_EDEMA]),
        ("There/expl/2 is/ROOT/0 no/det/4 evidence/nsubj/2 of/case/6 effusion/nmod/4 or/cc/6 edema/conj/6 ./punct/2", [NO_EFFUSION, NO_EDEMA]),
        ("There/expl/2 is/ROOT/0 no/det/4 evidence/attr/2 of/prep/4 effusion/pobj/5 or/cc/6 edema/conj/6 ./punct/2", [NO_EFFUSION, NO_EDEMA]),
        ("Neither/cc:preconj/2 effusion/nsubjpass/6 nor/cc/2 edema/conj/2 is/auxpass/6 seen/ROOT/0 ./punct/6", [NO_EFFUSION, NO_EDEMA]),
        # and their ends: "but", "with", an article, another clause
        ("There/expl/2 is/ROOT/0 no/det/4 effusion/nsubj/2 or/cc/4 edema/conj/4 but/cc/4 a/det/9 nodule/conj/4 ./punct/2", [NO_EFFUSION, NO_EDEMA, ("nodule", "present", NOWHERE)]),
        ("There/expl/2 is/ROOT/0 no/det/4 effusion/attr/2 or/cc/4 edema/conj/4 but/cc/2 nodule/conj/6 ./punct/2", [NO_EFFUSION, NO_EDEMA, ("nodule", "present", NOWHERE)]),
        ("No/det/2 cardiomegaly/ROOT/0 ,/punct/2 with/case/6 small/amod/6 effusions/nmod/2 ./punct/2", [("cardiomegaly", "absent", HEART), ("pleural effusion", "present", BOTH_ANGLES)]),
        ("No/det/2 cardiomegaly/ROOT/0 ,/punct/2 with/prep/2 small/amod/6 effusions/pobj/4 ./punct/2", [("cardiomegaly", "absent", HEART), ("pleural effusion", "present", BOTH_ANGLES)]),
        ("Scar/ROOT/0 and/cc/1 no/det/4 effusion/conj/1 ./punct/1", [("scar", "present", NOWHERE), NO_EFFUSION]),
        # "without" is a case or a preposition
        ("Opacity/ROOT/0 without/case/3 effusion/nmod/1 or/cc/3 edema/conj/3 ./punct/1", [("opacity", "present", NOWHERE), NO_EFFUSION, NO_EDEMA]),
        ("Opacity/ROOT/0 without/prep/1 effusion/pobj/2 or/cc/3 edema/conj/3 ./punct/1", [("opacity", "present", NOWHERE), NO_EFFUSION, NO_EDEMA]),
        # verbs
        ("The/det/2 effusion/nsubj/4 has/aux/4 resolved/ROOT/0 ./punct/4", [NO_EFFUSION]),
        ("Pneumothorax/nsubjpass/4 has/aux/4 been/auxpass/4 excluded/ROOT/0 ./punct/4", [NO_PNEUMOTHORAX]),
        ("The/det/2 patient/nsubj/3 denies/ROOT/0 pneumonia/dobj/3 ./punct/3", [("pneumonia", "absent", BOTH_LUNGS)]),
        ("Edema/nsubjpass/4 is/auxpass/4 not/neg/4 seen/ROOT/0 ./punct/4", [NO_EDEMA]),
        ("Edema/nsubj:pass/4 is/aux:pass/4 n't/neg/4 seen/ROOT/0 ./punct/4", [NO_EDEMA]),
        # a denied passive verb denies what it reports, not the subject
        ("Opacity/nsubjpass/4 is/auxpass/4 not/neg/4 thought/ROOT/0 to/aux/6 represent/xcomp/4 pneumonia/dobj/6 ./punct/4", [("opacity", "present", NOWHERE), ("pneumonia", "absent", BOTH_LUNGS)]),
        # doubts
        ("Opacity/nsubj/3 may/aux/3 represent/ROOT/0 atelectasis/dobj/3 ./punct/3", [("opacity", "present", NOWHERE), ("atelectasis", "uncertain", NOWHERE)]),
        ("Opacity/nsubj/3 is/cop/3 suspicious/ROOT/0 for/case/5 pneumonia/nmod/3 ./punct/3", [("opacity", "present", NOWHERE), ("pneumonia", "uncertain", NOWHERE)]),
        ("Opacity/nsubj/2 is/ROOT/0 suspicious/acomp/2 for/prep/3 pneumonia/pobj/4 ./punct/2", [("opacity", "present", NOWHERE), ("pneumonia", "uncertain", NOWHERE)]),
        ("Possible/amod/2 effusion/ROOT/0 and/cc/2 atelectasis/conj/2 ./punct/2", [("pleural effusion", "uncertain", NOWHERE), ("atelectasis", "uncertain", NOWHERE)]),
        ("Effusion/nsubjpass/5 can/aux/5 not/neg/5 be/auxpass/5 excluded/ROOT/0 ./punct/5", [("pleural effusion", "uncertain", NOWHERE)]),
        # places: adjectives, phrases behind, verbs, coordinations, the described noun
        ("Left/amod/2 lower/amod/7 and/cc/2 right/amod/6 upper/amod/6 lobe/conj/2 opacities/ROOT/0 ./punct/7", [("opacity", "present", (*LEFT_BASE, "right upper lung zone"))]),
        ("Opacity/ROOT/0 in/case/5 the/det/5 left/amod/5 base/nmod/1 ./punct/1", [("opacity", "present", LEFT_BASE)]),
        ("Opacity/ROOT/0 in/prep/1 the/det/5 left/amod/5 base/pobj/2 ./punct/1", [("opacity", "present", LEFT_BASE)]),
        ("Opacity/nsubjpass/3 is/auxpass/3 seen/ROOT/0 in/case/7 the/det/7 left/amod/7 base/nmod/3 ./punct/3", [("opacity", "present", LEFT_BASE)]),
        ("The/det/3 left/amod/3 base/nsubj/4 shows/ROOT/0 an/det/6 opacity/dobj/4 ./punct/4", [("opacity", "present", LEFT_BASE)]),
        ("Left/amod/2 pneumothorax/nsubjpass/4 is/auxpass/4 seen/ROOT/0 at/prep/4 the/det/7 apex/pobj/5 ./punct/4", [("pneumothorax", "present", ("left apical zone",))]),
        ("Left/amod/3 basilar/amod/3 atelectasis/ROOT/0 and/cc/3 scar/conj/3 ./punct/3", [("atelectasis", "present", LEFT_BASE), ("scar", "present", LEFT_BASE)]),
        ("Scar/ROOT/0 and/cc/1 atelectasis/conj/1 in/case/7 the/det/7 left/amod/7 base/nmod/3 ./punct/1", [("scar", "present", LEFT_BASE), ("atelectasis", "present", LEFT_BASE)]),
        ("Calcified/amod/4 left/amod/4 hilar/amod/4 nodes/ROOT/0 ./punct/4", [("calcification", "present", ("left hilar structures",))]),
        ("The/det/3 left/amod/3 base/ROOT/0 with/case/5 scarring/nmod/3 ./punct/3", [("scar", "present", LEFT_BASE)]),
        ("The/det/3 left/amod/3 base/ROOT/0 with/prep/3 scarring/pobj/4 ./punct/3", [("scar", "present", LEFT_BASE)]),
        # states
        ("The/det/2 heart/nsubjpass/5 is/auxpass/5 mildly/advmod/5 enlarged/ROOT/0 ./punct/5", [("cardiomegaly", "present", HEART)]),
        ("The/det/2 heart/nsubj/3 is/ROOT/0 not/neg/3 enlarged/acomp/3 ./punct/3", [("cardiomegaly", "absent", HEART)]),
        ("Heart/compound/2 size/nsubj/4 is/cop/4 normal/ROOT/0 and/cc/4 lungs/nsubj/8 are/cop/8 clear/conj/4 ./punct/4", [("cardiomegaly", "absent", HEART), ("opacity", "absent", BOTH_LUNGS)]),
        ("Normal/amod/3 heart/compound/3 size/ROOT/0 and/cc/3 mediastinal/amod/6 contours/conj/3 ./punct/3", [("cardiomegaly", "absent", HEART), ("enlarged cardiomediastinum", "absent", ("mediastinum",))]),
        ("Enlargement/ROOT/0 of/case/4 the/det/4 heart/nmod/1 ./punct/1", [("cardiomegaly", "present", HEART)]),
        ("Markings/nsubj/3 are/cop/3 normal/ROOT/0 ./punct/3", [("marking", "absent", BOTH_LUNGS)]),
        ("The/det/3 costophrenic/amod/3 angles/nsubjpass/5 are/auxpass/5 blunted/ROOT/0 ./punct/5", [("blunt", "present", BOTH_ANGLES)]),
        ("The/det/3 costophrenic/amod/3 angles/nsubj/4 are/ROOT/0 sharp/acomp/4 ./punct/4", [("blunt", "absent", BOTH_ANGLES)]),
        ("Cardiac/amod/2 silhouette/nsubj/6 is/cop/6 within/case/6 normal/amod/6 limits/ROOT/0 ./punct/6", [("cardiomegaly", "absent", HEART)]),
        ("Cardiac/amod/2 silhouette/nsubj/3 is/ROOT/0 within/prep/3 normal/amod/6 limits/pobj/4 ./punct/3", [("cardiomegaly", "absent", HEART)]),
        # "clear of" a list
        ("The/det/2 lungs/nsubj/4 are/cop/4 clear/ROOT/0 of/case/6 opacity/nmod/4 ,/punct/6 effusion/conj/6 or/cc/6 edema/conj/6 ./punct/4", [("opacity", "absent", BOTH_LUNGS), NO_EFFUSION, NO_EDEMA]),
        ("Lungs/nsubj/2 are/ROOT/0 clear/acomp/2 of/prep/3 opacity/pobj/4 ,/punct/5 effusion/conj/5 ,/punct/7 or/cc/7 edema/conj/7 ./punct/2", [("opacity", "absent", BOTH_LUNGS), NO_EFFUSION, NO_EDEMA]),
        # both sides, compared
        ("Bibasilar/amod/2 opacities/ROOT/0 ,/punct/2 left/advmod/5 greater/amod/2 than/case/7 right/nmod/5 ./punct/2", [("opacity", "present", BOTH_BASES)]),
        ("Effusions/nsubj/2 are/ROOT/0 left/npadvmod/4 greater/acomp/2 than/prep/4 right/pobj/5 ./punct/2", [("pleural effusion", "present", BOTH_ANGLES)]),
        # two places, of one finding and of two
        ("Opacities/ROOT/0 in/case/5 the/det/5 left/amod/5 base/nmod/1 and/cc/5 the/det/9 right/amod/9 apex/conj/5 ./punct/1", [("opacity", "present", (*LEFT_BASE, *RIGHT_APEX))]),
        ("Opacities/ROOT/0 in/prep/1 the/det/5 left/amod/5 base/pobj/2 and/cc/5 right/amod/8 apex/conj/5 ./punct/1", [("opacity", "present", (*LEFT_BASE, *RIGHT_APEX))]),
        ("Scar/ROOT/0 in/case/4 left/amod/4 base/nmod/1 and/cc/1 nodule/conj/1 at/case/9 right/amod/9 apex/nmod/6 ./punct/1", [("scar", "present", LEFT_BASE), ("nodule", "present", RIGHT_APEX)]),
        ("Scar/ROOT/0 in/prep/1 left/amod/4 base/pobj/2 and/cc/1 nodule/conj/1 at/prep/6 right/amod/9 apex/pobj/7 ./punct/1", [("scar", "present", LEFT_BASE), ("nodule", "present", RIGHT_APEX)]),
        # "with" shares the side, but not of what is not there
        ("Left/amod/2 effusion/ROOT/0 with/case/5 adjacent/amod/5 edema/nmod/2 ./punct/2", [("pleural effusion", "present", ("left costophrenic angle",)), ("edema", "present", ("left lung",))]),
        ("Left/amod/2 effusion/ROOT/0 with/prep/2 adjacent/amod/5 edema/pobj/3 ./punct/2", [("pleural effusion", "present", ("left costophrenic angle",)), ("edema", "present", ("left lung",))]),
        ("No/det/3 left/amod/3 effusion/ROOT/0 ,/punct/3 with/case/6 edema/nmod/3 ./punct/3", [("pleural effusion", "absent", ("left costophrenic angle",)), ("edema", "present", BOTH_LUNGS)]),
        # questions, plans
        ("Evaluate/ROOT/0 for/case/3 pneumothorax/nmod/1 or/cc/3 effusion/conj/3 ./punct/1", []),
        ("Evaluate/ROOT/0 for/prep/1 pneumothorax/pobj/2 or/cc/3 effusion/conj/3 ./punct/1", []),
        ("CT/nsubjpass/3 is/auxpass/3 recommended/ROOT/0 to/aux/5 exclude/xcomp/3 a/det/7 nodule/dobj/5 ./punct/3", []),
        ("If/mark/4 pneumonia/nsubjpass/4 is/auxpass/4 suspected/advcl/7 ,/punct/7 CT/nsubjpass/7 recommended/ROOT/0 ./punct/7", []),
        # devices end where their tips are
        ("Right/amod/2 PICC/nsubj/3 ends/ROOT/0 in/case/6 the/det/6 SVC/nmod/3 ./punct/3", [("line", "present", ("right unspecified", "svc")), ("tip", "present", ("svc",))]),
        # the line's name was removed from the text
        ("Left/amod/3 chest/compound/3 XXXX/ROOT/0 with/case/5 tip/nmod/3 in/case/8 the/det/8 SVC/nmod/5 ./punct/3", [("line", "present", ("left unspecified", "svc")), ("tip", "present", ("svc",))]),
        ("Left/amod/3 chest/compound/3 XXXX/ROOT/0 with/prep/3 tip/pobj/4 in/prep/5 the/det/8 SVC/pobj/6 ./punct/3", [("line", "present", ("left unspecified", "svc")), ("tip", "present", ("svc",))]),
    ],
)  # fmt: skip
def test_the_tree_says_what_belongs_together(line: str, expected: list[Row]) -> None:
    assert read(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # The denial ends at the article; the clauses run on to the end of the list.
        ("No/det/2 effusion/ROOT/0 and/cc/2 a/det/6 round/amod/6 nodule/conj/2 ./punct/2", [NO_EFFUSION, ("nodule", "present", NOWHERE)]),
        # An adjective is for its noun when the next noun has its own.
        ("Resolved/amod/2 effusion/ROOT/0 and/cc/2 dense/amod/5 opacity/conj/2 ./punct/2", [NO_EFFUSION, ("opacity", "present", NOWHERE)]),
        # The verb has two subjects' clauses, and the place is the second one's.
        ("No/det/2 effusion/nsubjpass/4 is/auxpass/4 seen/ROOT/0 and/cc/4 opacity/nsubj/8 has/aux/8 increased/conj/4 in/case/12 the/det/12 left/amod/12 base/nmod/8 ./punct/4", [NO_EFFUSION, ("opacity", "present", LEFT_BASE)]),
        # A denial with a phrase of its own: not the subject of the verb, and not its object.
        ("Without/case/2 effusion/nmod/5 a/det/4 nodule/nsubjpass/5 seen/ROOT/0 ./punct/5", [NO_EFFUSION, ("nodule", "present", NOWHERE)]),
        ("Without/prep/5 effusion/pobj/1 a/det/4 nodule/nsubjpass/5 seen/ROOT/0 ./punct/5", [NO_EFFUSION, ("nodule", "present", NOWHERE)]),
        ("The/det/2 patient/nsubj/5 without/case/4 effusion/nmod/2 has/ROOT/0 a/det/7 nodule/dobj/5 ./punct/5", [NO_EFFUSION, ("nodule", "present", NOWHERE)]),
        ("The/det/2 patient/nsubj/5 without/prep/2 effusion/pobj/3 has/ROOT/0 a/det/7 nodule/dobj/5 ./punct/5", [NO_EFFUSION, ("nodule", "present", NOWHERE)]),
        # A clause below the denied verb, with a subject and a place of its own.
        ("No/det/2 effusion/nsubjpass/4 is/auxpass/4 seen/ROOT/0 as/mark/8 scar/nsubj/8 now/advmod/8 fills/advcl/4 the/det/11 left/amod/11 base/dobj/8 ./punct/4", [NO_EFFUSION, ("scar", "present", LEFT_BASE)]),
        # A doubt is for its noun when the next noun has a word of its own.
        ("Possible/amod/2 effusion/ROOT/0 and/cc/2 large/amod/5 nodule/conj/2 ./punct/2", [("pleural effusion", "uncertain", NOWHERE), ("nodule", "present", NOWHERE)]),
        # The nearest place word is the other finding's.
        ("Opacity/nsubj/6 near/case/5 the/det/5 left/amod/5 nodule/nmod/1 persists/ROOT/0 in/case/9 right/amod/9 apex/nmod/6 ./punct/6", [("opacity", "present", RIGHT_APEX), ("nodule", "present", ("left lung",))]),
        ("Opacity/nsubj/6 near/prep/1 the/det/5 left/amod/5 nodule/pobj/2 persists/ROOT/0 in/prep/6 right/amod/9 apex/pobj/7 ./punct/6", [("opacity", "present", RIGHT_APEX), ("nodule", "present", ("left lung",))]),
        # The state is the subject's alone.
        ("Heart/nsubj/5 ,/punct/5 unlike/case/4 mediastinum/nmod/5 enlarged/ROOT/0 ./punct/5", [("cardiomegaly", "present", HEART)]),
        # No phrase of the lexicon, but a denial of a passive verb.
        ("Effusion/nsubjpass/6 is/auxpass/6 not/neg/6 at/case/5 all/nmod/6 seen/ROOT/0 ./punct/6", [NO_EFFUSION]),
    ],
)  # fmt: skip
def test_the_tree_overrules_the_clauses(line: str, expected: list[Row]) -> None:
    assert read(line) == expected
    assert by_clauses(document(line).text) != expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("History/ROOT/0 of/case/3 pneumonia/nmod/1 and/cc/3 edema/conj/3 ./punct/1", [("present", "history"), ("present", "history")]),
        ("History/ROOT/0 of/prep/1 pneumonia/pobj/2 but/cc/1 no/det/6 edema/conj/1 ./punct/1", [("present", "history"), ("absent", "current")]),
        ("Prior/amod/2 pneumonia/ROOT/0 ./punct/2", [("present", "history")]),
        ("Chest/compound/2 tube/nsubjpass/5 has/aux/5 been/auxpass/5 removed/ROOT/0 ./punct/5", [("absent", "removal")]),
        ("Edema/nsubj/3 is/cop/3 unchanged/ROOT/0 ./punct/3", [("present", "comparison")]),
        ("Edema/nsubj/2 is/ROOT/0 unchanged/acomp/2 and/cc/2 tube/nsubjpass/7 was/auxpass/7 removed/conj/2 ./punct/2", [("present", "comparison"), ("absent", "removal")]),
    ],
)  # fmt: skip
def test_the_tree_says_how_far_history_and_change_reach(
    line: str, expected: list[tuple[str, str]]
) -> None:
    tree = document(line)

    claims = tree_claims(load_lexicon(), tree.text, tokens_of(tree), max_scope=40)

    assert [
        (claim.existence.value, claim.context.value) for claim in claims
    ] == expected


def test_a_sentence_of_very_many_tokens_is_read_by_its_clauses() -> None:
    short = "No/det/2 effusion/ROOT/0 and/cc/2 a/det/6 round/amod/6 nodule/conj/2"
    long = short + " indeed/advmod/6" * 195

    # Here the tree overrules the clauses; there it is not asked.
    assert read(short) != by_clauses(document(short).text)
    assert read(long) == by_clauses(document(long).text)


@pytest.mark.parametrize(
    "text",
    [
        "No effusion or pneumothorax, but the left base shows an opacity.",
        "Left basilar opacity, likely atelectasis.",
        "Heart size is normal to mildly enlarged, lungs are clear of edema.",
        "Opacity may reflect edema or pneumonia; recommend follow up.",
        "Right chest tube with tip at the apex has been removed.",
        "Left chest XXXX with tip in the SVC.",
        "Evaluate for pneumothorax.",
        "Nothing of the kind.",
    ],
)
@pytest.mark.parametrize("label", ["", "dep"])
def test_a_tree_that_says_nothing_leaves_it_to_the_clauses(
    text: str, label: str
) -> None:
    words = text.replace(".", " .").replace(",", " ,").replace(";", " ;").split()
    tokens, start = [], 0
    for index, word in enumerate(words):
        start = text.index(word, start)
        tokens.append(Token(word, start, start + len(word), 0, label if index else ""))
        start += len(word)

    claims = tree_claims(load_lexicon(), text, tokens, max_scope=40)

    assert claims == read_claims(load_lexicon(), text, max_scope=40)


def test_between_roots_side_by_side_the_clauses_decide() -> None:
    line = (
        "No/det/2 effusion/ROOT/0 ;/punct/2 "
        "opacity/ROOT/0 in/case/7 left/amod/7 base/nmod/4 ./punct/4"
    )

    assert read(line) == [NO_EFFUSION, ("opacity", "present", LEFT_BASE)]
    assert read(line) == by_clauses(document(line).text)


def test_a_conjunct_without_its_first_part_is_a_root_like_any_other() -> None:
    # So it stands where the first part was white space, which is no token.
    assert read("Opacity/conj/1 ./punct/1") == [("opacity", "present", NOWHERE)]


def test_offsets_are_the_words_of_the_sentence() -> None:
    tree = document(
        "There/expl/2 is/ROOT/0 no/det/4 effusion/nsubj/2 in/case/8 the/det/8 "
        "left/amod/8 base/nmod/4 ./punct/2"
    )

    (claim,) = tree_claims(load_lexicon(), tree.text, tokens_of(tree), max_scope=40)

    assert claim.place is not None
    assert claim.cue is not None
    assert tree.text[slice(*claim.span)] == "effusion"
    assert tree.text[slice(*claim.place)] == "left base"
    assert tree.text[slice(*claim.cue)] == "no"


def test_a_cue_reaches_no_further_than_its_limit() -> None:
    tree = document(
        "No/det/7 large/amod/7 new/amod/7 focal/amod/7 dense/amod/7 round/amod/7 "
        "opacity/ROOT/0 ./punct/7"
    )

    near = tree_claims(load_lexicon(), tree.text, tokens_of(tree), max_scope=40)
    far = tree_claims(load_lexicon(), tree.text, tokens_of(tree), max_scope=1)

    assert near[0].existence.value == "absent"
    assert far[0].existence.value == "present"
