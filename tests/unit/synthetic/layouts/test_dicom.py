import io

import numpy as np
import pydicom

from asg_core.synthetic.layouts.dicom import DicomHeader, encode_dicom
from asg_core.terms.views import View


def test_a_dicom_file_says_what_its_header_and_its_pixels_say() -> None:
    pixels = np.zeros((40, 64), np.uint8)
    pixels[:, 32:] = 200
    header = DicomHeader(
        sop_instance_uid="2.25.1",
        study_instance_uid="2.25.2",
        series_instance_uid="2.25.3",
        patient_id="someone",
        sex="F",
        age=7,
        view=View.AP,
        pixel_spacing=0.143,
    )

    image = pydicom.dcmread(io.BytesIO(encode_dicom(pixels, header=header)))

    assert (image.Rows, image.Columns) == (40, 64)
    assert image.PhotometricInterpretation == "MONOCHROME2"
    assert np.abs(image.pixel_array.astype(int) - pixels).max() <= 4
    assert [image.SOPInstanceUID, image.StudyInstanceUID, image.SeriesInstanceUID] == [
        "2.25.1",
        "2.25.2",
        "2.25.3",
    ]
    assert (image.PatientID, image.PatientSex, image.PatientAge) == (
        "someone",
        "F",
        "007Y",
    )
    assert image.ViewPosition == "AP"
    assert [float(value) for value in image.PixelSpacing] == [0.143, 0.143]
