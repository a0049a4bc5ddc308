"""Recordings and results, in and out of files."""

from typing import TYPE_CHECKING

from neurodyn.common.lazy import on_first_use

# Importing pynwb, neo and Brian2 takes seconds, so each is imported when it is first needed.
if TYPE_CHECKING:
    from neurodyn.io import files as files
    from neurodyn.io.archive import FileFormatError
    from neurodyn.io.atomic import atomic_path
    from neurodyn.io.brian2.networks import from_brian2, to_brian2
    from neurodyn.io.interop.csv_files import from_csv, to_csv
    from neurodyn.io.interop.frames import from_pandas, to_pandas
    from neurodyn.io.interop.matlab.load import from_matlab, load_matlab
    from neurodyn.io.interop.matlab.write import to_matlab
    from neurodyn.io.interop.pynapple.read import from_pynapple
    from neurodyn.io.interop.pynapple.write import to_pynapple
    from neurodyn.io.interop.rsatoolbox import from_rsatoolbox, to_rsatoolbox
    from neurodyn.io.neo.read import from_neo
    from neurodyn.io.neo.write import to_neo, to_nix
    from neurodyn.io.nwb.read import from_nwb
    from neurodyn.io.nwb.write import to_nwb
    from neurodyn.io.read import read
    from neurodyn.io.weights.export import to_weights
    from neurodyn.io.weights.load import from_weights

__all__ = [
    # Read any file
    "read",
    # Other formats and objects
    "from_nwb",
    "to_nwb",
    "from_neo",
    "to_neo",
    "to_nix",
    "from_brian2",
    "to_brian2",
    # Tables, MATLAB, and objects of other tools
    "from_pandas",
    "to_pandas",
    "from_csv",
    "to_csv",
    "load_matlab",
    "from_matlab",
    "to_matlab",
    "from_pynapple",
    "to_pynapple",
    "from_rsatoolbox",
    "to_rsatoolbox",
    # Weights of networks trained elsewhere
    "from_weights",
    "to_weights",
    # Write files of your own safely
    "atomic_path",
    "FileFormatError",
]

__getattr__, __dir__ = on_first_use(__name__, __all__)
