"""A contact sheet: every image as we, DCMTK and pydicom show it, side by side, with the differences.

``python -m benches.gallery FOLDER [--data DIR]`` (`make gallery`) makes FOLDER/index.html and its thumbnails:
`pictures` has each file converted, and compares; `sheet` writes what there is to see.
"""
