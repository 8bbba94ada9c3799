"""Requests of rendered and thumbnail resources, and what PS3.18 wants for each: good, bad and absent values.

A row a request: the resource, the query, Accept, and the status with the media type that PS3.18 8.3.5.1,
8.7.4 and 8.7.5 want. Words of errors say what is wrong. `test_rendered_statuses` has them answered by our
server, `tests.peers.statuses` by another one, too.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.serve.conftest import CT, FRAMES, STUDY, URL


class Row(NamedTuple):
    """``size`` is (width, height) of the picture; ``words`` are among those of an error."""

    path: str
    query: str = ""
    accept: str | None = None
    status: int = 200
    media_type: str = "image/jpeg"
    size: tuple[int, int] | None = None
    words: str = ""
    warning: str = ""


_CT = f"{URL.ct}/rendered"
_THUMBNAIL = f"{URL.ct}/thumbnail"
_JPEG, _PNG = "image/jpeg", "image/png"
#: Good, bad and absent, parameter by parameter.
ROWS = [
    # accept: absent, of the header, of the query, by q, wildcards, none
    Row(_CT, size=(32, 24)),
    Row(_CT, accept="*/*"),
    Row(_CT, accept="image/*"),
    Row(_CT, accept="image/jpeg"),
    Row(_CT, accept="image/png", media_type=_PNG, size=(32, 24)),
    Row(_CT, accept="IMAGE/PNG", media_type=_PNG),
    Row(_CT, accept="image/gif", media_type="image/gif", size=(32, 24)),
    Row(_CT, accept="image/jp2", media_type="image/jp2", size=(32, 24)),
    Row(_CT, accept="image/jph", media_type="image/jph"),
    Row(_CT, accept="image/jxl", media_type="image/jxl"),
    Row(_CT, accept="image/png;q=0.5, image/jpeg;q=0.4", media_type=_PNG),
    Row(_CT, accept="image/png;q=0.4, image/jpeg;q=0.5"),
    Row(_CT, accept="*/*, image/png;q=0.9"),
    Row(_CT, accept="*/*, image/png", media_type=_PNG),  # of the same q the most specific
    Row(_CT, accept="image/*, image/gif", media_type="image/gif"),
    Row(_CT, accept="image/jpeg;q=0, */*", media_type=_PNG),  # the default, but for what is refused
    Row(_CT, accept="image/jpeg;q=0", status=406, words="image/jpeg"),
    Row(_CT, accept="text/html, application/xhtml+xml, */*;q=0.8"),
    Row(_CT, accept="text/html", status=406, words="image/jpeg, image/png, image/gif"),
    Row(_CT, accept="application/pdf", status=406, words="image/jpeg"),
    Row(_CT, accept="application/dicom", status=406, words="image/jpeg"),
    Row(_CT, accept="application/dicom, image/jpeg", status=400, words="one kind"),
    Row(_CT, accept="video/mp4", status=406, words="image/jpeg"),
    Row(_CT, accept="nonsense", status=400, words="no list of media types"),
    Row(_CT, accept="*/*;q=x", status=400, words="q is 0 to 1"),
    Row(_CT, accept='multipart/related; type="image/png"', media_type="multipart/related"),
    Row(_CT, query="accept=image/png", media_type=_PNG),
    Row(_CT, query="accept=image/png", accept="image/jpeg", media_type=_PNG),
    Row(_CT, query="accept=text/html", accept="image/png", media_type=_PNG),  # then that of the header
    Row(_CT, query="accept=image/png;q=0.1,image/gif;q=0.2", media_type="image/gif"),
    Row(_CT, query="accept=text/html", accept="text/html", status=406, words="image/jpeg"),
    Row(_CT, query="accept=application/dicom", accept="image/png", status=400, words="one kind"),
    Row(_CT, query="accept=image/png&accept=image/gif", status=400, words="twice"),
    # annotation
    Row(_CT, query="annotation=patient", warning="annotation patient"),
    Row(_CT, query="annotation=technique", warning="annotation technique"),
    Row(_CT, query="annotation=patient,technique", warning="annotation technique"),
    Row(_CT, query="annotation=", status=400, words="annotation"),
    Row(_CT, query="annotation=name", status=400, words="patient, technique"),
    Row(_CT, query="annotation=patient,", status=400, words="annotation"),
    # quality
    Row(_CT, query="quality=1"),
    Row(_CT, query="quality=100"),
    Row(_CT, query="quality=50", accept="image/png", media_type=_PNG),
    Row(_CT, query="quality=", status=400, words="1 to 100"),
    Row(_CT, query="quality=0", status=400, words="1 to 100"),
    Row(_CT, query="quality=101", status=400, words="1 to 100"),
    Row(_CT, query="quality=9.5", status=400, words="1 to 100"),
    Row(_CT, query="quality=high", status=400, words="1 to 100"),
    Row(_CT, query="quality=-5", status=400, words="1 to 100"),
    Row(_CT, query="quality=10&quality=20", status=400, words="twice"),
    # viewport: one side meets it, nothing is added
    Row(_CT, query="viewport=16,16", size=(16, 12)),
    Row(_CT, query="viewport=100,12", size=(16, 12)),
    Row(_CT, query="viewport=64,480", size=(64, 48)),
    Row(_CT, query="viewport=64,64,8", size=(64, 64)),
    Row(_CT, query="viewport=64,64,8,4", size=(64, 53)),
    Row(_CT, query="viewport=20,20,2,3,10,20", size=(10, 20)),
    Row(_CT, query="viewport=20,20,,,10,20", size=(10, 20)),
    Row(_CT, query="viewport=20,20,,4,10", size=(10, 20)),
    Row(_CT, query="viewport=20,20,2,3,-10,20", size=(10, 20)),
    Row(_CT, query="viewport=20,20,2,3,10,-20", size=(10, 20)),
    Row(_CT, query="viewport=20,20,2,3,-10,-20", size=(10, 20)),
    Row(_CT, query="viewport=20,20,2.0,3.0,10.0,20.0", size=(10, 20)),
    Row(_CT, query="viewport=", status=400, words="viewport"),
    Row(_CT, query="viewport=20", status=400, words="viewport"),
    Row(_CT, query="viewport=20,20,", status=400, words="trailing"),
    Row(_CT, query="viewport=20,20,,,,", status=400, words="trailing"),
    Row(_CT, query="viewport=20,20,1,1,10,10,1", status=400, words="viewport"),
    Row(_CT, query="viewport=0,20", status=400, words="above 0"),
    Row(_CT, query="viewport=-20,20", status=400, words="above 0"),
    Row(_CT, query="viewport=,20", status=400, words="above 0"),
    Row(_CT, query="viewport=20.5,20", status=400, words="above 0"),
    Row(_CT, query="viewport=a,b", status=400, words="above 0"),
    Row(_CT, query="viewport=20,20,0,0,0,10", status=400, words="not 0"),
    Row(_CT, query="viewport=20,20,0,0,33,10", status=400, words="32 x 24"),
    Row(_CT, query="viewport=20,20,32", status=400, words="32 x 24"),
    Row(_CT, query="viewport=20,20,x,0,3,10", status=400, words="no number"),
    Row(_CT, query="viewport=1000000,1000000", status=413, words="viewport"),
    # window
    Row(_CT, query="window=300,400,linear"),
    Row(_CT, query="window=300,400,linear-exact"),
    Row(_CT, query="window=300.5,400.25,sigmoid"),
    Row(_CT, query="window=-300,4e2,linear"),
    Row(_CT, query="window=300,400", status=400, words="CENTER,WIDTH,FUNCTION"),
    Row(_CT, query="window=300,400,", status=400, words="CENTER,WIDTH,FUNCTION"),
    Row(_CT, query="window=300,400,linear_exact", status=400, words="linear-exact"),
    Row(_CT, query="window=300,400,cubic", status=400, words="sigmoid"),
    Row(_CT, query="window=300,0,linear", status=400, words="width"),
    Row(_CT, query="window=300,0.5,linear", status=400, words="width"),
    Row(_CT, query="window=300,0.5,linear-exact"),
    Row(_CT, query="window=nan,400,linear", status=400, words="no number"),
    Row(_CT, query="window=300,inf,linear", status=400, words="no number"),
    Row(_CT, query="window=300,400,linear,1", status=400, words="CENTER,WIDTH,FUNCTION"),
    Row(_CT, query="window=", status=400, words="window"),
    # iccprofile
    Row(_CT, query="iccprofile=no"),
    Row(_CT, query="iccprofile=yes"),
    Row(_CT, query="iccprofile=srgb"),
    Row(_CT, query="iccprofile=adobergb"),
    Row(_CT, query="iccprofile=rommrgb"),
    Row(_CT, query="iccprofile=rommrgb", accept="image/gif", status=400, words="carries no profile"),
    Row(_CT, query="iccprofile=yes", accept="image/png", media_type=_PNG),
    Row(_CT, query="iccprofile=no", accept="image/gif", media_type="image/gif"),
    Row(_CT, query="iccprofile=yes", accept="image/gif", status=400, words="carries no profile"),
    Row(_CT, query="iccprofile=srgb", accept="image/jxl", status=400, words="carries no profile"),
    Row(_CT, query="iccprofile=", status=400, words="iccprofile"),
    Row(_CT, query="iccprofile=cmyk", status=400, words="rommrgb"),
    # what is none of them is ignored
    Row(_CT, query="something=else"),
    # thumbnails: all levels have them; only viewport and accept mean something
    Row(_THUMBNAIL, size=(32, 24)),
    Row(_THUMBNAIL, query="viewport=16,16", size=(16, 12)),
    Row(_THUMBNAIL, query="viewport=64,64", size=(64, 48)),
    Row(_THUMBNAIL, accept="image/png", media_type=_PNG),
    Row(_THUMBNAIL, query="viewport=16,16,0,0,8,8", status=400, words="thumbnail"),
    Row(_THUMBNAIL, query="viewport=16,16,", status=400, words="thumbnail"),
    Row(_THUMBNAIL, query="viewport=16", status=400, words="thumbnail"),
    Row(_THUMBNAIL, accept="text/html", status=406, words="image/jpeg"),
    Row(f"{URL.study}/thumbnail"),
    Row(f"{URL.ct_series}/thumbnail"),
    Row(f"{URL.ct}/frames/1/thumbnail"),
    Row(f"{URL.multi}/frames/2,3/thumbnail"),
    Row(f"{URL.pdf}/thumbnail", status=406, words="no pixels"),
    # frames
    Row(f"{URL.multi}/frames/1/rendered", size=(10, 6)),
    Row(f"{URL.multi}/frames/{FRAMES}/rendered", accept="image/png", media_type=_PNG),
    Row(f"{URL.multi}/frames/1,3/rendered", media_type="multipart/related"),
    Row(f"{URL.multi}/frames/3,1/rendered", status=400, words="ascend"),
    Row(f"{URL.multi}/frames/1,1/rendered", status=400, words="ascend"),
    Row(f"{URL.multi}/frames/0/rendered", status=400, words="from 1"),
    Row(f"{URL.multi}/frames/-1/rendered", status=400, words="from 1"),
    Row(f"{URL.multi}/frames/1-2/rendered", status=400, words="from 1"),
    Row(f"{URL.multi}/frames/one/rendered", status=400, words="from 1"),
    Row(f"{URL.multi}/frames/{FRAMES + 1}/rendered", status=404, words=f"{FRAMES} frames"),
    Row(f"{URL.pdf}/frames/1/rendered", status=406, words="no pixels"),
    # several frames, one image: the first, with a warning; as GIF all of them
    Row(f"{URL.multi}/rendered", size=(10, 6), warning=f"{FRAMES} frames"),
    Row(f"{URL.multi}/rendered", accept="image/png", media_type=_PNG, warning=f"{FRAMES} frames"),
    Row(f"{URL.multi}/rendered", accept="image/gif", media_type="image/gif", size=(10, 6)),
    # several targets
    Row(f"{URL.ct_series}/rendered", media_type="multipart/related"),
    Row(f"{URL.ct_series}/rendered", accept="image/png", media_type="multipart/related"),
    Row(f"{URL.study}/rendered", media_type="multipart/related", warning="several frames"),
    Row(f"{URL.ct_series}/rendered", query="quality=0", status=400, words="quality"),
    Row(f"{URL.ct_series}/rendered", accept="text/html", status=406, words="image/jpeg"),
    # objects without pixels
    Row(f"{URL.pdf}/rendered", media_type="application/pdf"),
    Row(f"{URL.pdf}/rendered", accept="application/pdf", media_type="application/pdf"),
    Row(f"{URL.pdf}/rendered", accept="image/jpeg", status=406, words="application/pdf"),
    Row(f"{URL.note}/rendered", status=406, words="no pixels"),
    Row(f"{URL.note}/rendered", accept="image/jpeg", status=406, words="no pixels"),
    # nothing there
    Row(f"/studies/{STUDY}/series/{CT}/instances/9.9/rendered", status=404, words="no such instance"),
    Row(f"/studies/{STUDY}/series/9.9/rendered", status=404, words="no such series"),
    Row("/studies/9.9/rendered", status=404, words="no such study"),
    Row(f"/studies/9.9/series/{CT}/instances/{CT}.1/rendered", status=404, words="no such instance"),
    Row(f"/studies/{STUDY}/series/{CT}/instances/a%20b/rendered", status=400, words="UID"),
    Row(f"/studies/{'1' * 65}/rendered", status=400, words="UID"),
    Row(f"{URL.ct}/rendering", status=404, words="no such resource"),
]
