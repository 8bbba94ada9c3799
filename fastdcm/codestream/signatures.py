"""The bytes that codestreams start with."""

JPEG = b"\xff\xd8"  # SOI (T.81 B.1.1.3)
JPEG_2000 = b"\xff\x4f\xff\x51"  # SOC, SIZ (T.800 A.4.1, A.5.1)
JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n"  # T.800 I.5.1
HIGH_THROUGHPUT = 0x4000  # Rsiz bit 14: capabilities are in CAP (T.814 A.2)
JPEG_XL = b"\xff\x0a"  # ISO/IEC 18181-1
JPEG_XL_CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"  # ISO/IEC 18181-2
