r"""How the packaged weights are made: ``python -m benchmarks.weights --help``.

:mod:`.molecules` chooses molecules of a corpus and joins what is known of them, :mod:`.recipe` is the model and what it
learns, :mod:`.__main__` runs the steps, each of which goes on where it was interrupted.
"""
