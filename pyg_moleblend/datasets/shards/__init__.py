r"""Molecules on disk in memory-mapped shards: made from tables of any size, resumable, read without loading."""
