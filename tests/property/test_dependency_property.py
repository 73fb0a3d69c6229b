from hypothesis import given
from hypothesis import strategies as st

from asg_core.reports.lexicon.load import load_lexicon
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.parsers.scispacy.claims import tree_claims
from asg_core.reports.parsers.scispacy.tree import Token

LEXICON = load_lexicon()  # read here: it takes longer than one example may

SENTENCES = (
    "No effusion or pneumothorax, but the left base shows an opacity.",
    "Left basilar opacity and right effusion without edema.",
    "Heart size is normal to mildly enlarged, lungs are clear of edema.",
    "Opacity in the right apex may reflect edema or scar with calcified nodes.",
    "Right chest tube with tip at the apex has been removed; left PICC ends in the SVC.",
    "Normal markings and mediastinal contours, no enlargement of the heart.",
)
LABELS = (
    "ROOT",
    "acl",
    "acl:relcl",
    "acomp",
    "advcl",
    "advmod",
    "amod",
    "appos",
    "attr",
    "aux",
    "auxpass",
    "case",
    "cc",
    "ccomp",
    "compound",
    "conj",
    "cop",
    "dep",
    "det",
    "dobj",
    "expl",
    "mark",
    "neg",
    "nmod",
    "nsubj",
    "nsubj:pass",
    "nsubjpass",
    "nummod",
    "parataxis",
    "pobj",
    "prep",
    "punct",
    "xcomp",
)


@st.composite
def trees(draw: st.DrawFn) -> tuple[str, list[Token]]:
    """A sentence under any tree: each token hangs on one drawn before it."""
    text = draw(st.sampled_from(SENTENCES))
    words = Words(text)
    order = draw(st.permutations(range(len(words))))
    heads = {order[0]: order[0]}
    for position, index in enumerate(order[1:], start=1):
        heads[index] = order[draw(st.integers(0, position - 1))]
    labels = draw(
        st.lists(st.sampled_from(LABELS), min_size=len(words), max_size=len(words))
    )
    tokens = [
        Token(text[start:end], start, end, heads[index], label)
        for index, ((start, end), label) in enumerate(
            zip(words.spans, labels, strict=True)
        )
    ]
    return text, tokens


@given(trees())
def test_any_tree_gives_rows_that_the_table_can_hold(
    tree: tuple[str, list[Token]],
) -> None:
    text, tokens = tree

    claims = tree_claims(LEXICON, text, tokens, max_scope=40)

    keys = [
        (claim.finding, claim.span[0], region)
        for claim in claims
        for region in claim.regions
    ]
    assert len(keys) == len(set(keys))
    assert all(claim.regions for claim in claims)
    for claim in claims:
        for span in (claim.span, claim.place, claim.cue):
            assert span is None or 0 <= span[0] < span[1] <= len(text)
    assert claims == tree_claims(LEXICON, text, tokens, max_scope=40)
