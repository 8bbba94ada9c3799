"""Series of slices as volumes in the patient's space, and segmentations in their geometry.

``series`` finds the images of one series, ``stack`` puts their planes in order or says why they are no
volume, ``values`` makes modality values of a slice, ``volume`` is what comes out; ``segmentation`` places the
frames of a Segmentation object among a volume's slices, ``segments`` are what it describes, ``masks`` its
arrays.
"""
