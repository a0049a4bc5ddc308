"""Datasets for the reconstruction of dynamical systems.

The files come from repositories of the studies that used them. Which recordings they stem from,
and under which terms those were published, is told from memory of these studies and marked so: it
does not stand in the files.
"""

from __future__ import annotations

from neurodyn.datasets import series
from neurodyn.datasets.record import File, Record

__all__ = ["SERIES"]

_RECALLED = "origin as recalled, unconfirmed"

_PPG_DALIA = """@article{reiss2019,
  author = {Reiss, Attila and Indlekofer, Ina and Schmidt, Philip and Van Laerhoven, Kristof},
  title = {Deep {PPG}: Large-scale heart rate estimation with convolutional neural networks},
  journal = {Sensors},
  volume = {19},
  pages = {3079},
  year = {2019},
  doi = {10.3390/s19143079}
}"""
_ECG_LICENCE = (
    "GPL-3.0 (the repository with the file); the recording: CC-BY-4.0 if it is of PPG-DaLiA, as "
    "recalled, unconfirmed"
)

_ECG = Record(
    name="ecg",
    title="Human electrocardiogram, delay-embedded, 70 Hz",
    description=(
        "143 s of one human electrocardiogram and four delayed copies of it (delays found by "
        "PECUZAL), scaled to a standard deviation of about 0.8. Every tenth sample of the first "
        "part of ecg_pecuzal."
    ),
    species="Homo sapiens",
    area="chest",
    task="not stated",
    licence=_ECG_LICENCE,
    source=(
        "example_data/ECG.npy of the repository DurstewitzLab/ALRNN-DSR (commit 0bdca24), saved as "
        f"dsr/alrnn_ECG.npy. The data set PPG-DaLiA is its {_RECALLED}."
    ),
    citation=_PPG_DALIA,
    files=(
        File(
            "dsr/alrnn_ECG.npy",
            sha256="5b8796eb52ece6aeb830b59f5b8ee5e04872df079ef8335a4a64286b2105fb91",
            size=200080,
        ),
    ),
    read=series.read_ecg,
)

_ECG_PECUZAL = Record(
    name="ecg_pecuzal",
    title="Human electrocardiogram, delay-embedded, 700 Hz, two parts",
    description=(
        "Two stretches of 143 s, one to train on and one to test with, of one human "
        "electrocardiogram and four delayed copies of it (delays of 20, 68, 55 and 10 samples, "
        "found by PECUZAL), scaled to a standard deviation of about 0.8."
    ),
    species="Homo sapiens",
    area="chest",
    task="not stated",
    licence=_ECG_LICENCE,
    source=(
        "ICML2023_datasets/ECG of the repository DurstewitzLab/GTF-shPLRNN (commit b6172ce), saved "
        "as dsr/gtf_ECG_pecuzal_5d_train.npy and dsr/gtf_ECG_pecuzal_5d_test.npy. The data set "
        f"PPG-DaLiA is its {_RECALLED}."
    ),
    citation=_PPG_DALIA,
    files=(
        File(
            "dsr/gtf_ECG_pecuzal_5d_train.npy",
            sha256="b79deb8b054486360233bb4cefdb154dc5f6b0a55b1a713cd76378606d936185",
            size=4000080,
        ),
        File(
            "dsr/gtf_ECG_pecuzal_5d_test.npy",
            sha256="7c17fe9b9e90d0610f817a53e73ec8389b30763ce36985cfcadc1459dd89c654",
            size=4000080,
        ),
    ),
    read=series.read_ecg_pecuzal,
)

_EEG = Record(
    name="eeg_rest",
    title="Human electroencephalogram at rest",
    description=(
        "60 s of 64 channels, eyes open, smoothed (95 % of the power lies below 6 Hz), each "
        "channel scaled to mean 0 and variance 1. There is no second part: the repositories "
        "provide the same file for training and for testing."
    ),
    species="Homo sapiens",
    area="scalp",
    task="rest with open eyes",
    licence=(
        "GPL-3.0 (the repository with the file); the recording: ODC-By-1.0 if it is of PhysioNet's "
        "EEG Motor Movement/Imagery Dataset, as recalled, unconfirmed"
    ),
    source=(
        "ICML2023_datasets/EEG of the repository DurstewitzLab/GTF-shPLRNN (commit b6172ce), also "
        "in DurstewitzLab/ALRNN-DSR, saved as dsr/alrnn_EEG.npy. PhysioNet's EEG Motor "
        f"Movement/Imagery Dataset is its {_RECALLED}."
    ),
    citation="""@article{schalk2004,
  author = {Schalk, Gerwin and McFarland, Dennis J. and Hinterberger, Thilo and
            Birbaumer, Niels and Wolpaw, Jonathan R.},
  title = {{BCI2000}: A general-purpose brain-computer interface ({BCI}) system},
  journal = {IEEE Transactions on Biomedical Engineering},
  volume = {51},
  pages = {1034--1043},
  year = {2004},
  doi = {10.1109/TBME.2004.827072}
}""",
    files=(
        File(
            "dsr/alrnn_EEG.npy",
            sha256="7cc56e3b648ce492e1ac3d4284c46ccd1092e4abbc4c45f020b8c4a0b2a994bf",
            size=2467968,
        ),
    ),
    read=series.read_eeg,
)

_FMRI = Record(
    name="fmri_tasks",
    title="Human fMRI of 20 regions during five task blocks",
    description=(
        "Blood-oxygen-level dependent signals of 20 regions of interest of one participant, five "
        "blocks of 72 volumes joined, each region scaled to mean 0 and variance 1."
    ),
    species="Homo sapiens",
    area="20 regions of interest, not named in the file",
    task="rest and working-memory tasks (the order is not in the file)",
    licence=("GPL-3.0 (the repository with the file); the terms of the recording are not stated"),
    source=(
        "example_data of the repository DurstewitzLab/ALRNN-DSR (commit 0bdca24), saved as "
        "dsr/alrnn_fmri.npy. The study of Koppe et al. (2014), with a repetition time of 3 s, is "
        f"its {_RECALLED}."
    ),
    citation="""@article{koppe2014,
  author = {Koppe, Georgia and Gruppe, Harald and Sammer, Gebhard and Gallhofer, Bernd and
            Kirsch, Peter and Lis, Stefanie},
  title = {Temporal unpredictability of a stimulus sequence affects brain activation differently
           depending on cognitive task demands},
  journal = {NeuroImage},
  volume = {101},
  pages = {236--244},
  year = {2014},
  doi = {10.1016/j.neuroimage.2014.07.008}
}
@article{koppe2019,
  author = {Koppe, Georgia and Toutounji, Hazem and Kirsch, Peter and Lis, Stefanie and
            Durstewitz, Daniel},
  title = {Identifying nonlinear dynamical systems via generative recurrent neural networks with
           applications to {fMRI}},
  journal = {PLoS Computational Biology},
  volume = {15},
  pages = {e1007263},
  year = {2019},
  doi = {10.1371/journal.pcbi.1007263}
}""",
    files=(
        File(
            "dsr/alrnn_fmri.npy",
            sha256="eb4132c0f0e3b2d8ca7ce496ec4b28fc7249cd3c87d2c2af4cff5adfaf33592d",
            size=57728,
        ),
    ),
    read=series.read_fmri,
)

SERIES = (_ECG, _ECG_PECUZAL, _EEG, _FMRI)
