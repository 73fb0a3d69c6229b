"""DICOM files as the two Kaggle benchmarks have them: 8-bit gray, baseline JPEG inside."""

import io
from dataclasses import dataclass

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit

from asg_core.synthetic.layouts.files import Pixels, encode_jpeg, uuid_of
from asg_core.terms.views import View

_SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7")
_WRITER = UID("2.25.309485673310914851205316213340947410837")


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomHeader:
    """What a file says about its image, pixels aside."""

    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    sex: str
    age: int
    view: View
    pixel_spacing: float
    """Millimetres."""

    conversion: str = "WSD"
    """DICOM ConversionType: WSD, made at a workstation."""


def uid_of(*parts: object) -> str:
    """Return a valid UID that follows from `parts` (the UUID form, under 2.25)."""
    return f"2.25.{uuid_of(*parts).int}"


def encode_dicom(pixels: Pixels, *, header: DicomHeader) -> bytes:
    """Return a DICOM file (MONOCHROME2, 8 bit) with `pixels` as a baseline JPEG."""
    dataset = Dataset()
    dataset.file_meta = _file_meta(header)
    dataset.SOPClassUID = _SECONDARY_CAPTURE
    dataset.SOPInstanceUID = header.sop_instance_uid
    dataset.StudyInstanceUID = header.study_instance_uid
    dataset.SeriesInstanceUID = header.series_instance_uid
    dataset.StudyDate = "19010101"
    dataset.StudyTime = "000000.00"
    dataset.AccessionNumber = ""
    dataset.Modality = "CR"
    dataset.ConversionType = header.conversion
    dataset.ReferringPhysicianName = ""
    dataset.SeriesDescription = f"view: {header.view.value}"
    dataset.PatientName = header.patient_id
    dataset.PatientID = header.patient_id
    dataset.PatientBirthDate = ""
    dataset.PatientSex = header.sex
    dataset.PatientAge = f"{header.age:03d}Y"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = header.view.value
    dataset.StudyID = ""
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.PatientOrientation = ""
    _add_pixels(dataset, pixels, spacing=header.pixel_spacing)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _file_meta(header: DicomHeader) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = _SECONDARY_CAPTURE
    meta.MediaStorageSOPInstanceUID = UID(header.sop_instance_uid)
    meta.TransferSyntaxUID = JPEGBaseline8Bit
    # Named here, or the file would change with the version of the library.
    meta.ImplementationClassUID = _WRITER
    meta.ImplementationVersionName = "ASG_SYNTHETIC"
    return meta


def _add_pixels(dataset: Dataset, pixels: Pixels, *, spacing: float) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelSpacing = [str(spacing), str(spacing)]
    dataset.BitsAllocated = 8
    dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    dataset.PixelData = encapsulate([encode_jpeg(pixels)])
