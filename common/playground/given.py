"""What the command line of the playground has given; pages that do without Keras read it too."""

import argparse

where = argparse.Namespace(outputs=None, data_dir=None, password=None)  # password: the teacher's
