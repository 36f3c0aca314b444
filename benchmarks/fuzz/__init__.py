r"""Files that nobody meant: what every place where a file of a user enters does with damaged ones.

``doors.py`` has the places, ``mutate.py`` makes damaged inputs of whole ones, ``hunt.py`` tries them in processes of
their own. ``python -m benchmarks.fuzz --minutes 5`` tries all.
"""
