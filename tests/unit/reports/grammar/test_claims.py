import pytest

from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon

Row = tuple[str, str, tuple[str, ...]]


def rows(text: str) -> list[Row]:
    claims = read_claims(load_lexicon(), text, max_scope=40)
    return [(claim.finding, claim.existence.value, claim.regions) for claim in claims]


BOTH_LUNGS = ("left lung", "right lung")
BOTH_ANGLES = ("left costophrenic angle", "right costophrenic angle")
BOTH_APICES = ("left apical zone", "right apical zone")
BOTH_BASES = ("left lower lung zone", "right lower lung zone")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # where a finding is when nothing says so
        ("Small effusion.", [("pleural effusion", "present", ("unspecified",))]),
        ("Small effusions.", [("pleural effusion", "present", BOTH_ANGLES)]),
        ("No effusion.", [("pleural effusion", "absent", BOTH_ANGLES)]),
        ("No pneumothorax.", [("pneumothorax", "absent", BOTH_APICES)]),
        ("Left pneumothorax.", [("pneumothorax", "present", ("left apical zone",))]),
        ("Right opacity.", [("opacity", "present", ("right lung",))]),
        ("Pulmonary edema.", [("edema", "present", BOTH_LUNGS)]),
        ("Hiatal hernia.", [("hernia", "present", ("abdomen",))]),
        ("Calcified aorta.", [("calcification", "present", ("aortic arch",))]),
        ("Sternotomy wires.", [("wire", "present", ("mediastinum",))]),
        # an effusion is in the angle, unless it is named to be at the apex
        ("Left basilar effusion.", [("pleural effusion", "present", ("left costophrenic angle",))]),
        ("Apical pleural thickening on the left.", [("pleural thicken", "present", ("left apical zone",))]),
        # adjectives, followers, subjects
        ("Left lower lobe opacity.", [("opacity", "present", ("left lower lung zone",))]),
        ("Opacity in the left lower lobe.", [("opacity", "present", ("left lower lung zone",))]),
        ("The left lower lobe shows an opacity.", [("opacity", "present", ("left lower lung zone",))]),
        ("Left pneumothorax at the apex.", [("pneumothorax", "present", ("left apical zone",))]),
        ("Basilar opacities on the left.", [("opacity", "present", ("left lower lung zone",))]),
        ("Bibasilar scar.", [("scar", "present", BOTH_BASES)]),
        # states of structures
        ("The heart is mildly enlarged.", [("cardiomegaly", "present", ("cardiac silhouette",))]),
        ("The heart is not enlarged.", [("cardiomegaly", "absent", ("cardiac silhouette",))]),
        ("Normal heart size.", [("cardiomegaly", "absent", ("cardiac silhouette",))]),
        ("Heart size is borderline.", [("cardiomegaly", "uncertain", ("cardiac silhouette",))]),
        ("The heart is not normal.", []),
        ("Left ventricle is enlarged.", []),
        ("Stable heart size, enlarged aorta.", []),
        ("Mediastinum is widened.", [("enlarged cardiomediastinum", "present", ("mediastinum",))]),
        ("Lungs are clear.", [("opacity", "absent", BOTH_LUNGS)]),
        ("Left costophrenic angle is sharp.", [("blunt", "absent", ("left costophrenic angle",))]),
        ("Irregularity of the left sixth rib.", [("deformity", "present", ("left ribs",))]),
        ("Markings are normal.", [("marking", "absent", BOTH_LUNGS)]),
        # structures that cannot be seen
        ("Left apex is partly excluded from the image.", [("obscure", "present", ("left apical zone",))]),
        ("The right base is not included in the field of view.", [("obscure", "present", ("right lower lung zone",))]),
        ("Apices are not included.", [("obscure", "present", BOTH_APICES)]),
        ("The left hemidiaphragm is not well seen.", [("obscure", "present", ("left hemidiaphragm",))]),
        ("Mass in the left base is excluded.", [("mass", "absent", ("left lower lung zone",))]),
        # sides: of structures in the midline, through adjectives, for two findings at once
        ("Left paratracheal mass.", [("mass", "present", ("upper mediastinum", "left unspecified"))]),
        ("The right heart border is obscured.", [("obscure", "present", ("cardiac silhouette", "right unspecified"))]),
        ("Left heart is enlarged.", [("cardiomegaly", "present", ("cardiac silhouette",))]),
        ("Scar in the left base and the mediastinum.", [("scar", "present", ("left lower lung zone",))]),
        ("Calcified hilar lymph nodes bilaterally.", [("calcification", "present", ("left hilar structures", "right hilar structures"))]),
        ("Opacities in the central lungs.", [("opacity", "present", ("left mid lung zone", "right mid lung zone"))]),
        ("The left lung shows a scar in the upper lobe.", [("scar", "present", ("left upper lung zone",))]),
        ("Bibasilar scars, left more than right, possibly a mass.", [("scar", "present", BOTH_BASES), ("mass", "uncertain", BOTH_BASES)]),
        ("Widespread opacities.", [("opacity", "present", BOTH_LUNGS)]),
        ("Right chronic lung scar.", [("scar", "present", ("right lung",))]),
        ("Small left and moderate right effusion.", [("pleural effusion", "present", BOTH_ANGLES)]),
        ("Left interstitial and alveolar opacities.", [("opacity", "present", ("left lung",))]),
        ("Apical scars or opacities, left more than right.", [("scar", "uncertain", BOTH_APICES), ("opacity", "uncertain", BOTH_APICES)]),
        ("Mediastinal calcifications and a scar in the lingula.", [("calcification", "present", ("mediastinum",)), ("scar", "present", ("left mid lung zone",))]),
        ("Diffuse opacities.", [("opacity", "present", BOTH_LUNGS)]),
        ("Diffuse opacities in the left base.", [("opacity", "present", ("left lower lung zone",))]),
        ("Diffuse opacity and a small effusion.", [("opacity", "present", BOTH_LUNGS), ("pleural effusion", "present", ("unspecified",))]),
        ("Fluid in the right minor fissure.", [("pleural effusion", "present", ("right mid lung zone",))]),
        ("Left basilar scar without pneumothorax.", [("scar", "present", ("left lower lung zone",)), ("pneumothorax", "absent", ("left apical zone",))]),
        ("Right line and nasogastric tube.", [("line", "present", ("right unspecified",)), ("tube", "present", ("abdomen",))]),
        ("Deviation of the trachea to the left.", [("shift", "present", ("trachea",))]),
        ("Shift to the left.", [("shift", "present", ("mediastinum",))]),
        # compound findings
        ("No vertebral compression deformity.", [("deformity", "absent", ("spine",))]),
        ("Ossification of the left ribs.", [("calcification", "present", ("left ribs",))]),
        ("Fibronodular infiltrate.", [("nodule", "present", ("unspecified",)), ("infiltration", "present", ("unspecified",))]),
        ("Collapse of the left lung.", [("collapse", "present", ("left lung",)), ("atelectasis", "present", ("left lung",))]),
        ("No collapse.", [("collapse", "absent", BOTH_LUNGS)]),
        ("Left effusion with air-fluid level.", [("pleural effusion", "present", ("left costophrenic angle",)), ("pneumothorax", "present", ("left apical zone",))]),
        ("Previous resection of the left sixth rib.", [("deformity", "present", ("left ribs",))]),
        ("Contour abnormality of the left sixth rib.", [("deformity", "present", ("left ribs",))]),
        ("Obliterated left costophrenic sulcus.", [("blunt", "present", ("left costophrenic angle",))]),
        ("Distortion of the left hilum.", [("deformity", "present", ("left hilar structures",))]),
        ("Indistinct pulmonary vasculature.", [("engorgement", "present", ("left hilar structures", "right hilar structures"))]),
        ("Kerley B lines.", [("edema", "present", BOTH_LUNGS)]),
        # places outside the chest, places that are only compared
        ("Fracture of the left wrist.", []),
        ("Left hip prosthesis.", [("device", "present", ("left unspecified",))]),
        ("Opacity of the right base compared to the left.", [("opacity", "present", ("right lower lung zone",))]),
        ("Symmetric apical scars.", [("scar", "present", BOTH_APICES)]),
        ("Right sixth and left ninth posterolateral rib fractures.", [("fracture", "present", ("left ribs", "right ribs"))]),
        # of two states, the abnormal one
        ("Heart size is upper normal or mildly enlarged.", [("cardiomegaly", "present", ("cardiac silhouette",))]),
        # clauses
        ("Scar is seen with in the left lung.", [("scar", "present", ("left lung",))]),
        ("Other than a scar in the left apex, the lungs are clear.", [("scar", "present", ("left apical zone",)), ("opacity", "absent", BOTH_LUNGS)]),
        # words of structures with more than one side or kind
        ("Opacity over the left heart border.", [("opacity", "present", ("left lung",))]),
        ("Scar in the right upper and middle lobes.", [("scar", "present", ("right upper lung zone", "right mid lung zone"))]),
        ("Sclerotic or lytic lesion.", [("lesion", "present", ("unspecified",))]),
        ("Pleural spaces are free of fluid.", [("pleural effusion", "absent", BOTH_ANGLES)]),
        ("Small pleural air collection on the left.", [("pneumothorax", "present", ("left apical zone",))]),
        ("Contour of the heart is mildly increased.", [("cardiomegaly", "present", ("cardiac silhouette",))]),
        # devices
        ("No change in the wires or the ICD.", [("wire", "present", ("unspecified",)), ("device", "present", ("unspecified",))]),
        ("Tubes and lines: PICC in the SVC.", [("line", "present", ("svc",))]),
        ("Coronary stents and calcified aorta.", [("stent", "present", ("cardiac silhouette",)), ("calcification", "present", ("aortic arch",))]),
        ("Prosthetic left shoulder.", [("device", "present", ("left shoulder",))]),
        ("Sternotomy wires are broken.", [("wire", "present", ("mediastinum",))]),
        ("Right PICC ends in the SVC.", [("line", "present", ("right unspecified", "svc")), ("tip", "present", ("svc",))]),
        ("Endotracheal tube.", [("tube", "present", ("trachea",))]),
        ("Tip is not seen.", []),
        ("XXXX with tip in the SVC.", [("line", "present", ("svc",)), ("tip", "present", ("svc",))]),
        ("Left generator with tips in the right atrium.", [("device", "present", ("left unspecified",)), ("tip", "present", ("right atrium",))]),
        ("Tip of the right PICC is in the SVC.", [("tip", "present", ("svc",)), ("line", "present", ("right unspecified", "svc"))]),
        ("Tip of the NG tube lies in the esophagus.", [("tip", "present", ("esophagus",)), ("tube", "present", ("esophagus",))]),
        ("L PICC, the tip of which is in the SVC.", [("line", "present", ("left unspecified", "svc")), ("tip", "present", ("svc",))]),
        ("Feeding tube, tip below the lower edge of the film.", [("tube", "present", ("abdomen",))]),
        ("Device with tip in the abdomen.", [("device", "present", ("abdomen",)), ("tip", "present", ("abdomen",))]),
        # cues that reach one finding and not the other
        ("Healing remote right 4th rib fracture.", [("fracture", "present", ("right ribs",))]),
        ("Calcified right hilar XXXX/granuloma.", [("calcification", "uncertain", ("right hilar structures",)), ("calcification", "uncertain", ("right hilar structures",))]),
        ("Deformity of the left 2nd rib has the shape of an old or recent fracture.", [("deformity", "present", ("left ribs",)), ("fracture", "present", ("left ribs",))]),
        ("Tracheal shift and possible right PTX.", [("shift", "present", ("trachea",)), ("pneumothorax", "uncertain", ("right apical zone",))]),
        ("Left basal infiltrate or atelectasis, and bilateral effusions.", [("infiltration", "uncertain", ("left lower lung zone",)), ("atelectasis", "uncertain", ("left lower lung zone",)), ("pleural effusion", "present", BOTH_ANGLES)]),
        ("Lesion in keeping with history of sarcoidosis without active infection.", [("lesion", "present", ("unspecified",)), ("pneumonia", "absent", BOTH_LUNGS)]),
        ("Enlargement of the heart is seen.", [("cardiomegaly", "present", ("cardiac silhouette",))]),
        # words that de-identification removed, beside what is named
        ("XXXX left arm PICC with its tip in the SVC.", [("line", "present", ("left arm",)), ("tip", "present", ("svc",))]),
        ("Blunting of the left costophrenic XXXX XXXX chronic pleural scar.", [("blunt", "present", ("left costophrenic angle",)), ("scar", "present", ("left costophrenic angle",))]),
        # an implant is in doubt where the other of two is no implant
        ("This is a retained wire or a calcification.", [("wire", "uncertain", ("unspecified",)), ("calcification", "uncertain", ("unspecified",))]),
        ("XXXX with tip in the stomach.", [("tip", "present", ("abdomen",))]),
        ("Tip is in the SVC, seen by Dr. XXXX.", [("tip", "present", ("svc",))]),
        ("The rib ends are sharp.", []),
        # an adjective and its noun, both findings, lie in one place
        ("Nodular right lower lobe opacity.", [("nodule", "present", ("right lower lung zone",)), ("opacity", "present", ("right lower lung zone",))]),
        ("Calcified right upper lobe nodule.", [("calcification", "present", ("right upper lung zone",)), ("nodule", "present", ("right upper lung zone",))]),
        ("Dilated, calcified aorta.", [("dilation", "present", ("aortic arch",)), ("calcification", "present", ("aortic arch",))]),
        # two findings with a place each
        ("Left apical scar, calcified right hilar nodes.", [("scar", "present", ("left apical zone",)), ("calcification", "present", ("right hilar structures",))]),
        ("Left lower lobe pneumonia and minimal scarring or atelectasis in the right lung base.", [("pneumonia", "present", ("left lower lung zone",)), ("scar", "uncertain", ("right lower lung zone",)), ("atelectasis", "uncertain", ("right lower lung zone",))]),
        ("Bibasilar hypoventilation and some atelectasis within the right middle lobe.", [("atelectasis", "present", ("right mid lung zone",))]),
        ("Right basal patchy opacity and bibasal atelectasis or scarring.", [("opacity", "present", ("right lower lung zone",)), ("atelectasis", "uncertain", BOTH_BASES), ("scar", "uncertain", BOTH_BASES)]),
        # both sides behind a slash
        ("Bibasilar atelectasis/opacities, left more than right.", [("atelectasis", "uncertain", BOTH_BASES), ("opacity", "uncertain", BOTH_BASES)]),
        # what stands before the finding wins, with a few adjectives between
        ("Left lower lobe granuloma adjacent to the heart.", [("calcification", "present", ("left lower lung zone",))]),
        ("Left basilar persistent opacity near the hilum.", [("opacity", "present", ("left lower lung zone",))]),
        ("Left lower lobe smooth round well defined 8 mm nodule near the hilum.", [("nodule", "present", ("left lower lung zone",))]),
        ("Focal basilar atelectasis is present in the lingula.", [("atelectasis", "present", ("left mid lung zone",))]),
        ("Left apex is elevated due to mass in the right base.", [("mass", "present", ("right lower lung zone",))]),
        ("Basilar opacities near the hilum.", [("opacity", "present", BOTH_BASES)]),
        ("Left apical elevation due to mass in the right base.", [("mass", "present", ("right lower lung zone",))]),
        ("Calcified small left apical nodule.", [("calcification", "present", ("left apical zone",)), ("nodule", "present", ("left apical zone",))]),
        ("Left apical scar and apical and lingular nodules.", [("scar", "present", ("left apical zone",)), ("nodule", "present", ("unspecified", "left mid lung zone"))]),
        # "diffuse" is in both lungs, but in the aorta it is only there
        ("Diffuse, widespread opacity.", [("opacity", "present", BOTH_LUNGS)]),
        ("Diffuse calcification of the aorta.", [("calcification", "present", ("aortic arch",))]),
        # the noun of several words says how many
        ("Basilar interstitial opacities.", [("opacity", "present", BOTH_BASES)]),
        # the subject of a clause
        ("The left lung is inflated and grossly clear of opacity or effusion.", [("opacity", "absent", ("left lung",)), ("pleural effusion", "absent", ("left costophrenic angle",))]),
        ("The left upper lobe with scarring.", [("scar", "present", ("left upper lung zone",))]),
        ("In the left lung base, there is no nodule.", [("nodule", "absent", ("left lower lung zone",))]),
        ("No left basilar opacity, but possible pneumonia.", [("opacity", "absent", ("left lower lung zone",)), ("pneumonia", "uncertain", ("unspecified",))]),
        # a state is of its own clause's finding
        ("The heart is normal, markings are prominent.", [("cardiomegaly", "absent", ("cardiac silhouette",)), ("marking", "present", BOTH_LUNGS)]),
        ("Fractures of the left clavicle and wrist.", [("fracture", "present", ("left clavicle",))]),
        # only a device ends where its tip is
        ("Atelectasis, tip of the tube at the carina.", [("atelectasis", "present", ("unspecified",)), ("tip", "present", ("carina",)), ("tube", "present", ("carina",))]),
        # no finding of the chest
        ("Subcutaneous emphysema.", []),
        ("Left pleural line.", []),
        ("Prior granulomatous infection.", []),
        ("Old tuberculosis infection.", []),
        ("Lung lines are low.", []),
        ("Nothing to say.", []),
    ],
)  # fmt: skip
def test_claims_of_a_sentence(text: str, expected: list[Row]) -> None:
    assert sorted(rows(text)) == sorted(expected)


def test_coordinated_findings_share_their_place() -> None:
    assert rows("Left basilar atelectasis and scar.") == [
        ("atelectasis", "present", ("left lower lung zone",)),
        ("scar", "present", ("left lower lung zone",)),
    ]
    assert rows("Atelectasis or scar in the left base.") == [
        ("atelectasis", "uncertain", ("left lower lung zone",)),
        ("scar", "uncertain", ("left lower lung zone",)),
    ]


def test_a_denial_takes_no_place_over() -> None:
    assert rows("Left basilar opacity, no edema.") == [
        ("opacity", "present", ("left lower lung zone",)),
        ("edema", "absent", BOTH_LUNGS),
    ]


def test_a_claim_knows_its_words() -> None:
    text = "No mass in the left apex."

    (claim,) = read_claims(load_lexicon(), text, max_scope=40)

    assert text[slice(*claim.span)] == "mass"
    assert claim.place is not None
    assert text[slice(*claim.place)] == "left apex"
    assert claim.cue is not None
    assert text[slice(*claim.cue)] == "No"


def test_a_place_is_looked_for_only_so_far() -> None:
    text = "Opacity is seen on two views in the left base."  # seven words in between

    (near,) = read_claims(load_lexicon(), text, max_scope=6)
    (far,) = read_claims(load_lexicon(), text, max_scope=7)

    assert near.regions == ("unspecified",)
    assert far.regions == ("left lower lung zone",)


def test_the_place_behind_a_denied_finding_is_its_own() -> None:
    text = "No pneumonia in the lungs is detected."

    (claim,) = read_claims(load_lexicon(), text, max_scope=40)

    assert (claim.finding, claim.existence.value) == ("pneumonia", "absent")
    assert claim.place is not None
    assert text[slice(*claim.place)] == "lungs"


def test_the_words_of_a_state_run_from_the_structure_to_the_state() -> None:
    text = "Now the heart is mildly enlarged."

    (claim,) = read_claims(load_lexicon(), "Heart size is normal.", max_scope=40)
    (named,) = read_claims(load_lexicon(), text, max_scope=40)

    assert (claim.span, claim.place, claim.cue) == ((0, 20), (0, 10), (14, 20))
    assert text[slice(*named.span)] == "heart is mildly enlarged"


def test_a_denied_participle_is_said_of_the_noun_before() -> None:
    assert rows("The trachea is midline and not deviated.") == [
        ("shift", "absent", ("trachea",)),
        ("shift", "absent", ("trachea",)),
    ]
    assert rows("The left lung is clear and not hyperinflated.")[1] == (
        "hyperinflate",
        "absent",
        ("left lung",),
    )
    # A noun is another statement.
    assert rows("The trachea is midline and no shift is seen.")[1] == (
        "shift",
        "absent",
        ("mediastinum",),
    )


@pytest.mark.parametrize(
    ("text", "finding", "regions"),
    [
        # what follows a pair of findings is both's
        ("Consolidation and costophrenic blunting in both lower lobes.", "consolidation", BOTH_BASES),
        # the same zone, named twice, is on the same sides
        ("Biapical lucency and apical scarring.", "scar", BOTH_APICES),
        ("Apical scarring.", "scar", ("unspecified",)),
        # diffuse findings in the plural are in both zones, discrete ones need not be
        ("Basilar opacities.", "opacity", BOTH_BASES),
        ("Basilar opacity.", "opacity", ("unspecified",)),
        ("Basilar granulomas.", "calcification", ("unspecified",)),
        # one angle is named with its side
        ("Blunting of the costophrenic XXXX.", "blunt", BOTH_ANGLES),
        ("Blunting of the left costophrenic XXXX.", "blunt", ("left costophrenic angle",)),
        # "of" ties a place to the last of a denied list, and to both of a pair
        ("No consolidation, effusion, or blunting of the costophrenic angles.", "consolidation", BOTH_LUNGS),
        ("No consolidation or scarring of the left base.", "consolidation", ("left lower lung zone",)),
        ("No consolidation, scarring, or effusion in the left base.", "consolidation", ("left lower lung zone",)),
        ("Scar or costophrenic blunting in both lower lobes.", "scar", BOTH_BASES),
        # a singular that ends in s is none of several; of hila there are two
        ("Basilar atelectasis.", "atelectasis", ("unspecified",)),
        ("Perihilar infiltrates.", "infiltration", ("left hilar structures", "right hilar structures")),
        # where the leads end says nothing of the side of the box
        ("Left chest AICD leads in the right atrium and right ventricle are unchanged.", "device", ("left unspecified",)),
        # a joint is no device of the chest
        ("Left shoulder arthroplasty.", "hardware", ("left shoulder",)),
    ],
)  # fmt: skip
def test_places_that_are_said_once_or_not_at_all(
    text: str, finding: str, regions: tuple[str, ...]
) -> None:
    found = [row[2] for row in rows(text) if row[0] == finding]

    assert [set(each) for each in found] == [set(regions)]
