"""How far a denial reaches, and what it does not deny."""

import pytest

from asg_core.reports.grammar.reader import read_claims
from asg_core.reports.lexicon.load import load_lexicon


def said(text: str) -> list[str]:
    claims = read_claims(load_lexicon(), text, max_scope=40)
    return [f"{claim.finding} {claim.existence.value}" for claim in claims]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No pneumothorax, stable left effusion.", ["pneumothorax absent", "pleural effusion present"]),
        ("No consolidation, mild bibasilar atelectasis.", ["consolidation absent", "atelectasis present"]),
        ("No acute disease, right IJ line in the SVC.", ["line present"]),
        ("No edema, unchanged cardiomegaly.", ["edema absent", "cardiomegaly present"]),
        ("No pneumothorax and stable small right effusion.", ["pneumothorax absent", "pleural effusion present"]),
        ("No focal consolidation, old healed rib fractures on the right.", ["consolidation absent", "fracture present"]),
        ("No evidence of pneumothorax, trace left pleural effusion.", ["pneumothorax absent", "pleural effusion present"]),
        ("No effusion or edema, moderate hiatal hernia.", ["pleural effusion absent", "edema absent", "hernia present"]),
        ("No pneumonia, known left upper lobe mass.", ["pneumonia absent", "mass present"]),
        ("There is no effusion, pneumothorax, small granuloma in the right apex.", ["pleural effusion absent", "pneumothorax absent", "calcification present"]),
        ("No pneumothorax, left chest tube in place.", ["pneumothorax absent", "tube present"]),
        ("No effusion or pneumothorax, pacemaker leads in the right atrium.", ["pleural effusion absent", "pneumothorax absent", "pacemaker present", "device present"]),
        ("No consolidation or edema, left basilar scarring.", ["consolidation absent", "edema absent", "scar present"]),
        ("Without pneumothorax, tiny left apical nodule.", ["pneumothorax absent", "nodule present"]),
        ("No acute infiltrate, chronic interstitial opacities.", ["infiltration absent", "opacity present"]),
        ("No pneumothorax, 8 mm nodule in the left base.", ["pneumothorax absent", "nodule present"]),
        ("No effusion, multiple calcified granulomas.", ["pleural effusion absent", "calcification present"]),
        ("Lungs are clear of edema, moderate cardiomegaly.", ["edema absent", "cardiomegaly present"]),
        ("Removal of the left chest tube, small apical pneumothorax.", ["tube absent", "pneumothorax present"]),
        ("No pneumothorax, persistent right effusion and consolidation.", ["pneumothorax absent", "pleural effusion present", "consolidation present"]),
        ("No edema and minimal left base atelectasis.", ["edema absent", "atelectasis present"]),
        ("Negative for pneumonia, mild emphysema.", ["pneumonia absent", "emphysema present"]),
        ("No fracture, effusion or pneumothorax, severe emphysema.", ["fracture absent", "pleural effusion absent", "pneumothorax absent", "emphysema present"]),
        ("No pneumothorax, effusion unchanged.", ["pneumothorax absent", "pleural effusion present"]),
        ("Possible left pneumonia, stable cardiomegaly.", ["pneumonia uncertain", "cardiomegaly present"]),
        ("No pneumothorax, right basilar consolidation, edema.", ["pneumothorax absent", "consolidation present", "edema present"]),
        ("No edema or effusion, scattered granulomas, mild cardiomegaly.", ["edema absent", "pleural effusion absent", "calcification present", "cardiomegaly present"]),
        ("No effusion, and stable cardiomegaly.", ["pleural effusion absent", "cardiomegaly present"]),
        ("No pneumothorax, nasogastric tube.", ["pneumothorax absent", "tube present"]),
        ("No effusion, mildly enlarged heart.", ["pleural effusion absent", "cardiomegaly present"]),
        ("No pneumothorax, but small effusion, stable.", ["pneumothorax absent", "pleural effusion present"]),
        ("There is no evidence of failure, mildly enlarged heart.", ["cardiomegaly present"]),
        ("No acute infiltrate, effusion, or pneumothorax, small hiatal hernia.", ["infiltration absent", "pleural effusion absent", "pneumothorax absent", "hernia present"]),
        ("No active disease, calcified granuloma in the right upper lobe.", ["calcification present"]),
        ("No focal airspace disease, large right effusion.", ["opacity absent", "pleural effusion present"]),
        ("No pneumothorax, sternotomy wires intact.", ["pneumothorax absent", "wire present"]),
        ("No infiltrates, borderline heart size.", ["infiltration absent", "cardiomegaly uncertain"]),
        ("No pneumothorax or fracture, bibasilar opacities are stable.", ["pneumothorax absent", "fracture absent", "opacity present"]),
        ("No effusion, right upper lobe nodule unchanged.", ["pleural effusion absent", "nodule present"]),
        ("Without effusion or edema, chronic left rib fractures.", ["pleural effusion absent", "edema absent", "fracture present"]),
        ("No cardiomegaly, low lung volumes with bibasilar atelectasis.", ["cardiomegaly absent", "atelectasis present"]),
        ("No acute bony abnormality, old left clavicle fracture.", ["fracture present"]),
        ("No pneumothorax, dual lead pacemaker.", ["pneumothorax absent", "pacemaker present", "device present"]),
        ("No evidence of pneumonia, left lower lobe scar, or mass.", ["pneumonia absent", "scar absent", "mass absent"]),
        ("No pleural effusion, left basilar airspace opacity, new since prior.", ["pleural effusion absent", "opacity present"]),
        ("No pulmonary edema, small bilateral pleural effusions, and mild cardiomegaly.", ["edema absent", "pleural effusion present", "cardiomegaly present"]),
        ("No pneumothorax. Stable effusion, no edema, unchanged line.", ["pneumothorax absent", "pleural effusion absent", "edema absent", "line present"]),
        ("Clear lungs, no effusion, small hiatal hernia.", ["opacity absent", "pleural effusion absent", "hernia present"]),
        ("No pneumothorax, tiny bilateral effusions persist.", ["pneumothorax absent", "pleural effusion present"]),
        ("Lungs without consolidation, trace effusion at the left base.", ["consolidation absent", "pleural effusion present"]),
        ("No mediastinal widening, tortuous calcified aorta.", ["enlarged cardiomediastinum absent", "calcification present"]),
        ("No large effusion, tiny left effusion cannot be excluded.", ["pleural effusion absent", "pleural effusion uncertain"]),
        ("Neither effusion nor pneumothorax, mild edema.", ["pleural effusion absent", "pneumothorax absent", "edema present"]),
        ("No evidence of edema and no effusion, mild hyperinflation.", ["edema absent", "pleural effusion absent", "hyperinflate present"]),
        ("Pneumothorax not seen, stable cardiomegaly.", ["pneumothorax absent", "cardiomegaly present"]),
        ("Stable cardiomegaly, pneumothorax not seen.", ["cardiomegaly present", "pneumothorax absent"]),
        ("Small left effusion, pneumothorax is absent.", ["pleural effusion present", "pneumothorax absent"]),
        ("Mild edema, effusions have resolved.", ["edema present", "pleural effusion absent"]),
        ("Left base atelectasis, no longer any effusion.", ["atelectasis present", "pleural effusion absent"]),
        ("No effusion evident, stable cardiomegaly.", ["pleural effusion absent", "cardiomegaly present"]),
        ("No effusion identified, mild edema.", ["pleural effusion absent", "edema present"]),
    ],
)  # fmt: skip
def test_what_is_described_as_there_ends_a_denial(
    text: str, expected: list[str]
) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No effusion, pneumothorax, edema.", ["pleural effusion absent", "pneumothorax absent", "edema absent"]),
        ("No focal consolidation, large effusion or displaced fracture.", ["consolidation absent", "pleural effusion absent", "fracture absent"]),
        ("No mass, suspicious nodule, or left effusion.", ["mass absent", "nodule absent", "pleural effusion absent"]),
        ("No new consolidation, enlarging effusion, edema.", ["consolidation absent", "pleural effusion absent", "edema absent"]),
        ("No evidence of edema, small effusion, or pneumothorax.", ["edema absent", "pleural effusion absent", "pneumothorax absent"]),
        ("No large, left effusion.", ["pleural effusion absent"]),
        ("No pneumothorax, acute fracture, significant effusion.", ["pneumothorax absent", "fracture absent", "pleural effusion absent"]),
        ("No effusion, pneumothorax on the right.", ["pleural effusion absent", "pneumothorax absent"]),
        ("No tube, line, wire or pacemaker.", ["tube absent", "line absent", "wire absent", "pacemaker absent", "device absent"]),
        ("No line, pacemaker, hardware.", ["line absent", "pacemaker absent", "device absent", "hardware absent"]),
        ("No edema, effusion and pneumothorax.", ["edema absent", "pleural effusion absent", "pneumothorax absent"]),
        ("Interval removal of the drain and left line.", ["drainage absent", "line absent"]),
        ("Removal of the endotracheal tube, right PICC.", ["tube absent", "line absent"]),
        ("No consolidation, pulmonary edema, pleural effusion.", ["consolidation absent", "edema absent", "pleural effusion absent"]),
        ("No pneumothorax, small or large.", ["pneumothorax absent"]),
        ("No mass, mild edema, effusion, or fracture.", ["mass absent", "edema absent", "pleural effusion absent", "fracture absent"]),
        ("Possible edema, effusion, atelectasis.", ["edema uncertain", "pleural effusion uncertain", "atelectasis uncertain"]),
        ("No hilar mass, mediastinal adenopathy or pleural effusion.", ["mass absent", "pleural effusion absent"]),
        ("No pneumothorax, rib fracture.", ["pneumothorax absent", "fracture absent"]),
        ("No pneumothorax and rib fracture.", ["pneumothorax absent", "fracture absent"]),
        ("The nodule is not calcified or spiculated.", ["nodule present", "calcification absent"]),
        ("Small left effusion, edema and pneumothorax are not seen.", ["pleural effusion absent", "edema absent", "pneumothorax absent"]),
        ("Effusion, pneumothorax is not seen.", ["pleural effusion absent", "pneumothorax absent"]),
        ("Effusions, edema, consolidation have resolved.", ["pleural effusion absent", "edema absent", "consolidation absent"]),
        ("No effusion, pneumothorax not seen.", ["pleural effusion absent", "pneumothorax absent"]),
        ("Right tube, left tube have been removed.", ["tube absent", "tube absent"]),
        ("No patchy, dense opacity.", ["opacity absent"]),
        ("No hazy, small nodular opacity.", ["opacity absent", "nodule absent", "opacity absent"]),
        ("Small left effusion, small right effusion have resolved.", ["pleural effusion absent", "pleural effusion absent"]),
        ("No pleural effusion identified, pneumothorax or edema.", ["pleural effusion absent", "pneumothorax absent", "edema absent"]),
    ],
)  # fmt: skip
def test_a_list_stays_denied(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Without prior films for comparison, a nodule is seen.", ["nodule present"]),
        ("Not a good inspiration, bibasilar atelectasis.", ["atelectasis present"]),
        ("Trachea is not deviated, stable effusion.", ["shift absent", "pleural effusion present"]),
        ("Without a lateral view, the effusion is hard to measure.", ["pleural effusion present"]),
        ("No acute abnormality, a calcified granuloma is noted.", ["calcification present"]),
        ("Not an optimal study, consolidation in the left base.", ["consolidation present"]),
        ("The aorta is not tortuous, mild edema.", ["edema present"]),
        ("Patient is not intubated, left effusion.", ["pleural effusion present"]),
        ("No priors, the left base shows consolidation.", ["consolidation present"]),
        ("Not well inspired, cardiomegaly.", ["cardiomegaly present"]),
        ("The patient is not rotated, right lower lobe pneumonia.", ["pneumonia present"]),
        ("Without previous imaging, stability of the nodule is unknown.", ["nodule present"]),
        ("The diaphragm is not elevated, pleural effusion on the left.", ["pleural effusion present"]),
        ("There is no active process, small granuloma.", ["calcification present"]),
        ("No fever, small effusion on the left.", ["pleural effusion present"]),
        ("No trauma, left rib fracture.", ["fracture present"]),
        ("No change, left effusion.", ["pleural effusion present"]),
        ("No comparison, left lower lobe consolidation.", ["consolidation present"]),
        ("Not a complete study, pacemaker.", ["pacemaker present", "device present"]),
        ("Without contrast, a mass is difficult to exclude.", ["mass uncertain"]),
        ("The heart is not enlarged, effusion on the right.", ["cardiomegaly absent", "pleural effusion present"]),
        ("Aorta not dilated, left basilar atelectasis.", ["dilation absent", "atelectasis present"]),
        ("The mediastinum is not widened, cardiomegaly.", ["enlarged cardiomediastinum absent", "cardiomegaly present"]),
        ("The lungs are not clear, consolidation is in the left base.", ["consolidation present"]),
        ("The line is not kinked, pneumothorax.", ["line present", "pneumothorax present"]),
        ("Not intubated, effusion.", ["pleural effusion present"]),
    ],
)  # fmt: skip
def test_a_denial_without_a_known_object_ends_at_its_comma(
    text: str, expected: list[str]
) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No acute disease, effusion or pneumothorax.", ["pleural effusion absent", "pneumothorax absent"]),
        ("No acute, displaced fracture is seen.", ["fracture absent"]),
        ("No significant, measurable effusion is present.", ["pleural effusion absent"]),
        ("The lungs are not hyperinflated, consolidated or collapsed.", ["hyperinflate absent", "consolidation absent", "collapse absent"]),
        ("No bony abnormality, pneumothorax, or effusion is seen.", ["pneumothorax absent", "pleural effusion absent"]),
        ("Without acute, focal consolidation.", ["consolidation absent"]),
    ],
)  # fmt: skip
def test_a_denial_without_an_object_goes_on(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Edema has not resolved.", ["edema present"]),
        ("No resolution of the right upper lobe consolidation.", ["consolidation present"]),
        ("No reduction in the left effusion.", ["pleural effusion present"]),
        ("The tube has not been removed.", ["tube present"]),
        ("Absence of interval improvement in the left base opacity.", ["opacity present"]),
        ("Lack of change in bibasilar atelectasis.", ["atelectasis present"]),
        ("No more than a trace right effusion.", ["pleural effusion present"]),
        ("No longer seen is the right apical pneumothorax.", ["pneumothorax absent"]),
        ("This film does not allow exclusion of a left rib fracture.", ["fracture uncertain"]),
        ("Infiltrate in the left mid zone fails to clear.", ["infiltration present"]),
        ("The left effusion has never cleared.", ["pleural effusion present"]),
        ("Without significant reduction in the effusion.", ["pleural effusion present"]),
        ("No cavitation in the mass.", ["mass present"]),
        ("No displacement of the right rib fractures.", ["fracture present"]),
        ("No pneumothorax adjacent to the chest tube.", ["pneumothorax absent", "tube present"]),
        ("No appreciable clearing of the edema.", ["edema present"]),
        ("No definite interval decrease of the nodules.", ["nodule present"]),
        ("There has been no growth of the nodule.", ["nodule present"]),
        ("The picture does not permit reliable exclusion of pneumonia.", ["pneumonia uncertain"]),
        ("No enlargement of the mass.", ["mass present"]),
        ("The drain was not removed.", ["drainage present"]),
        ("No calcification within the nodule.", ["calcification absent", "nodule present"]),
        ("No longer present are the effusions.", ["pleural effusion absent"]),
        ("The chest drain has not yet been removed.", ["drainage present"]),
        ("Pneumothorax has not fully resolved.", ["pneumothorax present"]),
        ("No evidence of resolution of the pneumonia.", ["pneumonia present"]),
        ("There is no sign of clearing of the edema.", ["edema present"]),
        ("Left effusion without interval resolution.", ["pleural effusion present"]),
        ("Failure of the left pneumothorax to resolve.", ["pneumothorax present"]),
        ("The consolidation failed to improve.", ["consolidation present"]),
        ("No fluid level in the mass.", ["mass present"]),
        ("No fracture around the prosthesis.", ["fracture absent", "device present"]),
        ("No more than mild edema.", ["edema present"]),
        ("No greater than a small effusion.", ["pleural effusion present"]),
        ("A fracture has not been ruled out.", ["fracture uncertain"]),
        ("Pneumonia is not yet ruled out.", ["pneumonia uncertain"]),
        ("No kinking of the PICC.", ["line present"]),
        ("No thickening of the wall of the bulla, no mass.", ["emphysema present", "mass absent"]),
        ("Lines are not removed.", ["line present"]),
        ("No improvement in aeration, edema persists.", ["aerate present", "edema present"]),
        ("The effusion was never drained and has not cleared.", ["pleural effusion present"]),
        ("Without regression of the left hilar mass.", ["mass present"]),
        ("The pneumothorax has not yet completely resolved.", ["pneumothorax present"]),
        ("No decrease in size of the left effusion.", ["pleural effusion present"]),
        ("There is no improvement of the bilateral opacities.", ["opacity present"]),
        ("No appreciable decrease in edema.", ["edema present"]),
        ("No change in the size of the mass.", ["mass present"]),
        ("Absence of resolution of the left pneumonia.", ["pneumonia present"]),
        ("Not resolved is the right effusion.", ["pleural effusion present"]),
        ("Lack of clearing of the opacities.", ["opacity present"]),
        ("Effusion has not decreased.", ["pleural effusion present"]),
        ("Pneumothorax has not enlarged.", ["pneumothorax present"]),
        ("The PICC has not been withdrawn.", ["line present"]),
        ("The NG tube was never removed.", ["tube present"]),
        ("ET tube no longer seen.", ["tube absent"]),
        ("No longer visualized is the left PICC.", ["line absent"]),
        ("No longer seen are the bilateral effusions.", ["pleural effusion absent"]),
        ("The right effusion is no longer present.", ["pleural effusion absent"]),
        ("No extension of the pneumothorax.", ["pneumothorax present"]),
        ("No worsening of the edema.", ["edema present"]),
        ("No progression of left base consolidation.", ["consolidation present"]),
        ("Not significantly changed left effusion.", ["pleural effusion present"]),
        ("This does not allow exclusion of pneumonia.", ["pneumonia uncertain"]),
        ("Portable technique does not allow for exclusion of small effusion.", ["pleural effusion uncertain"]),
        ("Not sufficient for exclusion of a fracture.", ["fracture uncertain"]),
        ("No suggestion of pneumothorax.", ["pneumothorax absent"]),
        ("No indication of effusion.", ["pleural effusion absent"]),
        ("No radiographic evidence for rib fracture.", ["fracture absent"]),
        ("No malposition of the endotracheal tube.", ["tube present"]),
        ("No obvious complication of the line placement.", ["line present"]),
        ("No displaced rib fracture.", ["fracture absent"]),
        ("The effusion is not larger.", ["pleural effusion present"]),
        ("The nodule is not new.", ["nodule present"]),
        ("Edema no worse.", ["edema present"]),
        ("Edema is not worse.", ["edema present"]),
        ("The effusion is no smaller.", ["pleural effusion present"]),
        ("Effusion not significantly improved.", ["pleural effusion present"]),
        ("Pneumothorax not increased.", ["pneumothorax present"]),
        ("No less edema.", ["edema present"]),
        ("No longer intubated, small effusion.", ["pleural effusion present"]),
        ("No evidence of improvement in right pneumothorax.", ["pneumothorax present"]),
        ("No drainage of the left effusion.", ["drainage absent", "pleural effusion present"]),
    ],
)  # fmt: skip
def test_what_a_denied_noun_or_change_belongs_to_is_there(
    text: str, expected: list[str]
) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No evidence of the previously seen effusion.", ["pleural effusion absent"]),
        ("No sign of the left pneumothorax.", ["pneumothorax absent"]),
        ("No new or increased opacity.", ["opacity absent"]),
        ("No areas of consolidation.", ["consolidation absent"]),
        ("No trace of the pneumothorax.", ["pneumothorax absent"]),
        ("Effusion has resolved.", ["pleural effusion absent"]),
        ("No recurrence of the effusion.", ["pleural effusion absent"]),
        ("No increasing effusion.", ["pleural effusion absent"]),
        ("No fracture of the ribs.", ["fracture absent"]),
        ("No suggestion of edema.", ["edema absent"]),
        ("No pneumothorax after removal of the tube.", ["pneumothorax absent", "tube absent"]),
        ("Tube removed, no pneumothorax.", ["tube absent", "pneumothorax absent"]),
        ("No air leak or pneumothorax.", ["pneumothorax absent"]),
        ("No definite features of pneumonia.", ["pneumonia absent"]),
        ("No degree of edema.", ["edema absent"]),
        ("No focal area of consolidation in the left base.", ["consolidation absent"]),
        ("No evidence in the lungs of edema.", ["edema absent"]),
        ("No pneumothorax in the apex, no effusion.", ["pneumothorax absent", "pleural effusion absent"]),
        ("No residual of the effusion.", ["pleural effusion absent"]),
        ("No pneumothorax on the left or effusion on the right.", ["pneumothorax absent", "pleural effusion absent"]),
        ("No displaced fracture of the ribs or the clavicle.", ["fracture absent"]),
        ("No obscuration of the heart by consolidation.", ["obscure absent", "consolidation absent"]),
        ("No evidence for removal of the tube.", ["tube present"]),
        ("No abnormality of the lungs such as edema.", ["edema absent"]),
        ("No abnormality in the lungs, mass or effusion.", ["mass absent", "pleural effusion absent"]),
        ("No consolidation at the site of the prior opacity.", ["consolidation absent", "opacity present"]),
    ],
)  # fmt: skip
def test_signs_and_adjectives_of_change_stay_denied(
    text: str, expected: list[str]
) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Edema v pneumonia.", ["edema uncertain", "pneumonia uncertain"]),
        ("Left base opacity: atelectasis > pneumonia.", ["opacity present", "atelectasis uncertain", "pneumonia uncertain"]),
        ("Consolidation a/w small effusion.", ["consolidation present", "pleural effusion present"]),
        ("Consolidation w/ small effusion.", ["consolidation present", "pleural effusion present"]),
        ("s/p left chest tube placement.", ["tube present"]),
        ("s/p removal of the chest tube.", ["tube absent"]),
        ("s/p fall, no rib fracture.", ["fracture absent"]),
        ("r/o pneumonia.", []),
        ("Left base opacity, r/o pneumonia.", ["opacity present"]),
        ("Left base opacity, ?pneumonia.", ["opacity present", "pneumonia uncertain"]),
        ("Opacity c/w pneumonia.", ["opacity present", "pneumonia present"]),
        ("Opacity c/f pneumonia.", ["opacity present", "pneumonia uncertain"]),
        ("No e/o effusion.", ["pleural effusion absent"]),
        ("Scar > mass in the right apex.", ["scar uncertain", "mass uncertain"]),
        ("Opacity 2/2 atelectasis.", ["opacity present", "atelectasis present"]),
        ("Atelectasis v. infiltrate.", ["atelectasis uncertain", "infiltration uncertain"]),
        ("Pneumonia s/p treatment.", ["pneumonia present"]),
        ("No edema w/ clear lungs.", ["edema absent", "opacity absent"]),
        ("No effusion a/w the fracture.", ["pleural effusion absent", "fracture present"]),
        ("Small effusion a/w rib fracture.", ["pleural effusion present", "fracture present"]),
        ("Atelectasis v scar at the right base.", ["atelectasis uncertain", "scar uncertain"]),
        ("Nodule w/ calcification.", ["nodule present", "calcification present"]),
        ("Edema d/t overload.", ["edema present"]),
        ("Consolidation 2/2 aspiration in the right base.", ["consolidation present", "aspiration present"]),
        ("Infiltrate >> edema.", ["infiltration uncertain", "edema uncertain"]),
        ("Opacity s/o pneumonia.", ["opacity present", "pneumonia uncertain"]),
        ("s/p pacemaker placement.", ["pacemaker present", "device present"]),
        ("Left effusion, s/p thoracentesis.", ["pleural effusion present"]),
        ("No ptx s/p chest tube removal.", ["pneumothorax absent", "tube absent"]),
        ("? left effusion.", ["pleural effusion uncertain"]),
        ("No pneumothorax, w/ small left effusion.", ["pneumothorax absent", "pleural effusion present"]),
        ("Consolidation on the left v edema.", ["consolidation uncertain", "edema uncertain"]),
    ],
)  # fmt: skip
def test_short_forms(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Effusions, R > L.", ["pleural effusion present"]),
        ("R>L basal consolidation.", ["consolidation present"]),
        ("Nodule > 5 mm.", ["nodule present"]),
        ("Pacemaker/ICD.", ["pacemaker present", "device present", "device present"]),
        ("No edema v pneumonia.", ["edema absent", "pneumonia absent"]),
        ("Bibasilar atelectasis; R > L effusions.", ["atelectasis present", "pleural effusion present"]),
        ("Small effusion, right > left, and atelectasis.", ["pleural effusion present", "atelectasis present"]),
        ("Nodule at the left > right base, scar.", ["nodule present", "scar present"]),
    ],
)  # fmt: skip
def test_what_is_no_short_form(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not positive for pneumothorax.", ["pneumothorax absent"]),
        ("The film is not positive for effusion or edema.", ["pleural effusion absent", "edema absent"]),
        ("Nothing to suggest pneumonia.", ["pneumonia absent"]),
        ("There is nothing to indicate a pneumothorax.", ["pneumothorax absent"]),
        ("Nothing suspicious for a mass.", ["mass absent"]),
        ("We are unable to rule out a developing left base consolidation.", ["consolidation uncertain"]),
        ("Unable to completely exclude a small pneumothorax.", ["pneumothorax uncertain"]),
        ("It is not possible to confidently exclude a mass.", ["mass uncertain"]),
        ("One cannot reliably rule out a rib fracture.", ["fracture uncertain"]),
        ("No further effusion.", ["pleural effusion absent"]),
        ("No further pneumothorax is seen.", ["pneumothorax absent"]),
        ("PLEURA: no further effusion.", ["pleural effusion absent"]),
        ("Insufficient to exclude pneumonia.", ["pneumonia uncertain"]),
        ("There was nothing suggestive of edema.", ["edema absent"]),
        ("A fracture cannot be confidently excluded.", ["fracture uncertain"]),
        ("Exam not positive for fracture.", ["fracture absent"]),
        ("Nothing to indicate edema or effusion.", ["edema absent", "pleural effusion absent"]),
        ("Nothing in the lungs to suggest pneumonia.", ["pneumonia absent"]),
        ("Nothing acute, no effusion.", ["pleural effusion absent"]),
        ("We cannot confidently rule out a small effusion.", ["pleural effusion uncertain"]),
        ("Inability to exclude pneumonia.", ["pneumonia uncertain"]),
        ("Pneumonia could not be reliably excluded.", ["pneumonia uncertain"]),
        ("No further evidence of edema.", ["edema absent"]),
        ("No further nodules.", ["nodule absent"]),
        ("It is difficult to rule out a tiny pneumothorax.", ["pneumothorax uncertain"]),
        ("This study is inadequate to exclude a nodule.", ["nodule uncertain"]),
        ("Not possible to rule out mass.", ["mass uncertain"]),
        ("No positive evidence of pneumonia.", ["pneumonia absent"]),
    ],
)  # fmt: skip
def test_phrases_of_denial_and_doubt(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Positive for pneumothorax.", ["pneumothorax present"]),
        ("No further growth of the right upper lobe nodule.", ["nodule present"]),
        ("No further increase in edema.", ["edema present"]),
        ("CT to rule out a mass.", []),
        ("Fracture has been ruled out.", ["fracture absent"]),
        ("No further improvement of the left effusion.", ["pleural effusion present"]),
        ("Nothing but a small effusion.", ["pleural effusion present"]),
        ("Nothing acute, stable left effusion.", ["pleural effusion present"]),
        ("No further workup of the nodule is needed.", ["nodule present"]),
        ("Fracture is difficult to exclude.", ["fracture uncertain"]),
        ("Nothing more than mild edema.", ["edema present"]),
    ],
)  # fmt: skip
def test_phrases_that_only_look_like_denials(text: str, expected: list[str]) -> None:
    assert said(text) == expected
