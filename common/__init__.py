"""What the homeworks share: data, the run and its files, pictures, bars, the grader.

What libraries read from the environment when they start is set here.
"""

import os

os.environ["MPLBACKEND"] = "agg"  # pictures go into files; one inherited from a notebook would fail at import
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's lines hide ours
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX: take GPU memory as needed
