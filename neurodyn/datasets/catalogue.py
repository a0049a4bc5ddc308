"""The datasets that there are.

A new one is a `Record` here and a function that reads its files. Sizes are in bytes. Licences are
those that the sources state; look there before passing data on.
"""

from __future__ import annotations

from neurodyn.datasets import example, hatsopoulos, mante, patch_clamp, zheng
from neurodyn.datasets.catalogue_series import SERIES
from neurodyn.datasets.record import File, Record

__all__ = ["RECORDS"]

_MANTE_URL = "https://github.com/pjjeongjun/Orthogonal_Code/raw/52402bf/TDR/PFC%20data%201a"
_MANTE_UNITS = (
    ("ar090313_1_a3", 53269, "0b58e6dfd17ba4e6847c02bf0a054a4d181a9321e4fb0bbcd191631aa55110cb"),
    ("ar090320_2_a1", 25266, "323ae3e94813c61bedff18665ccc0e9fd45475687c9fd81378b592f4d9445a60"),
    ("ar090323_2_a6", 24240, "9069b3d9b73d2aa5f86d0f97f3075435ec0099e1bae790bf5f595c34d0e28280"),
    ("ar090326_5_a5", 43457, "7c8d9b213038b39c7c76cb5030be5dc44105c254ae5384cffea01989593064b1"),
    ("ar090330_3_a10", 11598, "1e68774ae4b931df2779db6756aba41e6c7bf58e37f84f7f46ad5ee2ffc946d2"),
    ("ar090525_1_a5", 14622, "9886e8b1307a85745b65358c715bf4fe182fa12c7c6db86ac505947df6572d78"),
    ("ar090526_2_a7", 32420, "a94acd6bb89b6e2de0ba121f471abc09168b36e4ae8931167718a2a41fd45f00"),
    ("ar090604_4_a4", 29141, "6857ff4f2577dc0e350eff8f96b9f935e4f4be4c3f8a3fb6897367c1d9a3e336"),
    ("ar090619_1_a2", 107611, "0bbc8d564ee170160a688035e551bc11e467cfda4fdf05f0b3a0798dab97ddc6"),
    ("ar090624_1_a8", 60918, "debb640f6b9829d144605c2871a0151b3cefc4db9f3120494e279461d7710654"),
    ("ar090714_2_a1", 102989, "53fb6d9f0aa670ee5575bf188bdfa565f0bfc5bc11184aad07f805a193779ba0"),
    ("ar090720_1_a3", 85480, "3978dc204e495c3a292fc72bb8c6b97f3f4ee0b9b0113b885b673dd2264b41d0"),
    ("ar090728_1_a4", 11547, "aa9a617a76782f0e5a17e4d34357b05e0052f474d33454f4468f7ee90ef88a17"),
    ("ar100412_3_a5", 30578, "5880b743b39bc4e31a86dfdf6bcd4cc52f09ae4add86cdc665c3955110b74a21"),
    ("ar100430_5_a2", 25988, "8b7734c7bda4c52d184aa764ad972c643048ca5f7f5c5c327ca2b14dd4500258"),
    ("ar100506_1_a9", 28354, "30921cae5cafb9f0dff3eba9e5d84763949509f4c2013bd42c373c47ed1466db"),
    ("ar100513_4_a8", 23062, "143667002c6637407e6d67bc0e9097cd1e1c30fe0afa8304d511ff40e0c1ec7a"),
    ("ar100527_1_a9", 59824, "55228b3ba8b5fac0e6a6bd793f642375520e400351e3b4b864812c91a1655a72"),
    ("ar100603_1_a8", 63332, "8f08016bab1c5d13176411fbeefc048f6ac27b1935dc041de9362e2537fa95e1"),
    ("ar100617_2_a4", 9776, "001fd4a3145c25c26a8b862c6c3e70dc5327572e7e3021de52a03509fcbb1bfe"),
)

_EXAMPLE = Record(
    name="decision_example",
    title="Simulated two-choice decision network (bundled, synthetic)",
    description=(
        "Spikes of 100 units of a simulated network of 400 spiking neurons that decides between "
        "two alternatives: 360 trials, nine signed coherences, choices and reaction times. Not a "
        "recording from an animal. Made by neurodyn.datasets.make_example."
    ),
    species="simulation",
    area="decision network: two selective pools, non-selective and inhibitory units",
    task="two-choice discrimination of signed coherence",
    licence="Apache-2.0",
    source="Part of neurodyn.",
    citation="""@article{wang2002,
  author = {Wang, Xiao-Jing},
  title = {Probabilistic decision making by slow reverberation in cortical circuits},
  journal = {Neuron},
  volume = {36},
  pages = {955--968},
  year = {2002},
  doi = {10.1016/S0896-6273(02)01092-9}
}
@article{stimberg2019,
  author = {Stimberg, Marcel and Brette, Romain and Goodman, Dan F. M.},
  title = {Brian 2, an intuitive and efficient neural simulator},
  journal = {eLife},
  volume = {8},
  pages = {e47314},
  year = {2019},
  doi = {10.7554/eLife.47314}
}""",
    files=(
        File(
            "decision_example.nwb",
            sha256="426d1464fd2991ee9ac7a6db0996bd4f6c7a26293c85068cb05fdadc5e15407d",
            size=1271857,
        ),
    ),
    read=example.read,
    bundled=True,
)

_MANTE = Record(
    name="mante2013",
    title="Prefrontal units during context-dependent decisions",
    description=(
        "20 single and multi units of one monkey, recorded one at a time while it judged either "
        "the motion or the colour of coloured moving dots: 262 to 2831 trials each, 100 to 850 ms "
        "after dots onset. Units differ in their trials: no noise correlations."
    ),
    species="Macaca mulatta",
    area="prefrontal cortex (FEF and surroundings)",
    task="context-dependent discrimination of motion or colour",
    licence="none stated; made public by the authors' laboratory",
    source=(
        "Twenty of the units that the Mante laboratory shares at "
        "https://www.ini.uzh.ch/en/research/groups/mante/data.html, as copied in the repository "
        "pjjeongjun/Orthogonal_Code."
    ),
    citation="""@article{mante2013,
  author = {Mante, Valerio and Sussillo, David and Shenoy, Krishna V. and Newsome, William T.},
  title = {Context-dependent computation by recurrent dynamics in prefrontal cortex},
  journal = {Nature},
  volume = {503},
  pages = {78--84},
  year = {2013},
  doi = {10.1038/nature12742}
}""",
    files=tuple(
        File(
            f"mante2013_pfc20/{unit}_Vstim_100_850_ms.mat",
            sha256=sha256,
            size=size,
            url=f"{_MANTE_URL}/{unit}_Vstim_100_850_ms.mat",
        )
        for unit, size, sha256 in _MANTE_UNITS
    ),
    read=mante.read,
)

_HATSOPOULOS = Record(
    name="hatsopoulos2007",
    title="Motor cortex during centre-out reaches",
    description=(
        "141 units of one monkey and the movement of its arm, averaged over the trials to each of "
        "eight targets, 800 ms before to 400 ms after movement onset; rates smoothed with a "
        "Gaussian of 25 ms, movements scaled to -1 to 1."
    ),
    species="Macaca mulatta",
    area="primary motor cortex",
    task="centre-out reaches to eight targets",
    licence="CC0 (Dryad); none stated for the averages",
    source=(
        "Only the averages re-saved as .npz can be used: the public copy, data_output_alignto"
        "movementonset_minT-800_maxT400_FRsmoothSD25ms.npy in multisys_pipeline/experimental_data/"
        "Hatsopoulos2007 of the repository Helena-Yuhan-Liu/LearningRuleSimilarities (commit "
        "689feef), is a pickle, which runs whatever code it holds when read. The single trials "
        "that they come from are at doi:10.5061/dryad.xsj3tx9cm."
    ),
    citation="""@article{hatsopoulos2007,
  author = {Hatsopoulos, Nicholas G. and Xu, Qingqing and Amit, Yali},
  title = {Encoding of movement fragments in the motor cortex},
  journal = {Journal of Neuroscience},
  volume = {27},
  pages = {5105--5114},
  year = {2007},
  doi = {10.1523/JNEUROSCI.3570-06.2007}
}
@article{suresh2020,
  author = {Suresh, Aneesha K. and Goodman, James M. and Okorokova, Elizaveta V. and
            Kaufman, Matthew and Hatsopoulos, Nicholas G. and Bensmaia, Sliman J.},
  title = {Neural population dynamics in motor cortex are different for reach and grasp},
  journal = {eLife},
  volume = {9},
  pages = {e58848},
  year = {2020},
  doi = {10.7554/eLife.58848}
}""",
    files=(
        File(
            "hatsopoulos2007_m1_centerout.npz",
            sha256="cd5a2fd92a1e3b1842e155c68f004bf49fe6848a0e853264b0cea6b7c3ab0b3c",
            size=475390,
        ),
    ),
    read=hatsopoulos.read,
)

_ZHENG = Record(
    name="zheng2022",
    title="Human hippocampus and amygdala during film clips with boundaries",
    description=(
        "35 single units of one patient over 47 minutes: watching clips with and without cuts (90 "
        "trials), recognising frames (180), ordering them in time (180)."
    ),
    species="Homo sapiens",
    area="hippocampus and amygdala",
    task="encoding, recognition and time discrimination of film clips",
    licence="CC-BY-4.0 (DANDI 000207); the copy is in a repository under the MIT licence",
    source=(
        "Subject 4, session 4 of https://dandiarchive.org/dandiset/000207, as copied in the "
        "repository pynapple-org/pynapple."
    ),
    citation="""@article{zheng2022,
  author = {Zheng, Jie and Schjetnan, Andrea G. P. and Yebra, Mar and Gomes, Bernard A. and
            Mosher, Clayton P. and Kalia, Suneil K. and Valiante, Taufik A. and
            Mamelak, Adam N. and Kreiman, Gabriel and Rutishauser, Ueli},
  title = {Neurons detect cognitive boundaries to structure episodic memories in humans},
  journal = {Nature Neuroscience},
  volume = {25},
  pages = {358--368},
  year = {2022},
  doi = {10.1038/s41593-022-01020-w}
}""",
    files=(
        File(
            "zheng2022_human_mtl_sub-4_ses-4.nwb",
            sha256="1f6d811347d83d9693ce824bded9d73f5c88d8542e78069211da52381153f046",
            size=2070173,
            url=(
                "https://raw.githubusercontent.com/pynapple-org/pynapple/"
                "319552086165651fdb5768748e119d9354b15f6a/docs/examples/nwb-files/"
                "sub-4_ses-4_ecephys%2Bimage.nwb"
            ),
        ),
    ),
    read=zheng.read,
)

_FSI = Record(
    name="fsi_steps",
    title="Fast-spiking interneuron in current clamp",
    description="Membrane potential under 17 current steps of 500 ms, -100 to 300 pA, at 20 kHz.",
    species="not stated",
    area="not stated",
    task="current steps",
    licence="MIT",
    source="data/abfs/2019_07_24_0055_fsi.abf in the repository swharden/pyABF.",
    citation="""@misc{harden_pyabf,
  author = {Harden, Scott W.},
  title = {pyABF},
  howpublished = {\\url{https://github.com/swharden/pyABF}}
}""",
    files=(
        File(
            "patch_fsi_current_steps.abf",
            sha256="4666e82da3e0cc33b579fea285901a7f48b54a8c0cb8143b9c539d65172709b6",
            size=2047488,
            url=(
                "https://raw.githubusercontent.com/swharden/pyABF/"
                "5f3d1f53cb3c064b6654156a8b6f43be91f85e61/data/abfs/2019_07_24_0055_fsi.abf"
            ),
        ),
    ),
    read=patch_clamp.read,
)

RECORDS = {
    record.name: record for record in (_EXAMPLE, _MANTE, _HATSOPOULOS, _ZHENG, _FSI, *SERIES)
}
