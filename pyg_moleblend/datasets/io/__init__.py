r"""Reading tables of molecules, whatever their format: rows in, molecules and failures out, no row lost or moved."""
