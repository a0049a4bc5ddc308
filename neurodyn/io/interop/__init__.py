"""To and from objects and files of other tools: pandas, CSV, MATLAB, pynapple, rsatoolbox."""
