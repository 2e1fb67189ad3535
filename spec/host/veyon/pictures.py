# SPDX-License-Identifier: MIT
"""Pictures of screens, encoded as Qt does: bmp (24 bit, the last row first), png, and jpeg of blocks
of one colour each."""
import functools
import struct
import zlib

LOCK = (0x40, 0x40, 0x40)
PADLOCK = (0xC8, 0xC8, 0xC8)
DESKTOP = (0x20, 0x50, 0xA0)
WINDOW = (0xFF, 0xE0, 0x20)
FORMATS = ("bmp", "jpeg", "jpg", "png")


def colours(kind):
    """(background, what is in the middle) of a screen: "lock", "desktop", "greeter" or RRGGBB."""
    if kind == "lock":
        return LOCK, PADLOCK
    if kind == "desktop":
        return DESKTOP, WINDOW
    if kind == "greeter":
        return (0, 0, 0), WINDOW
    plain = tuple(bytes.fromhex(kind))
    return plain, plain


def rows(kind, width, height, screen):
    """The rows from above, each a list of (red, green, blue).  `screen` is the size of what is shown: the padlock in its
    middle is always as large, 250 x 300."""
    around, middle = colours(kind)

    def row(wide):
        left = width * (screen[0] - wide) // (2 * screen[0])
        return [around] * left + [middle] * (width - 2 * left) + [around] * left

    def line(y):
        below = (y + 0.5) * screen[1] / height - screen[1] / 2  # of the middle
        return body if 0 <= below < 150 else shackle if -150 <= below < 0 else empty

    empty, shackle, body = [around] * width, row(150), row(250)
    return [line(y) for y in range(height)]


def bmp(lines, width, height):
    padding = bytes(-3 * width % 4)
    data = b"".join(b"".join(bytes((b, g, r)) for r, g, b in line) + padding for line in reversed(lines))
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(data), 3937, 3937, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + head + data


def png(lines, width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    data = b"".join(b"\0" + b"".join(map(bytes, line)) for line in lines)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


# Codes of the categories of DC differences, of the table for luminance that the standard proposes.
CATEGORIES = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110")
QUANTUM = 8  # a block's mean, of which DC is 8 times as much


def jpeg(lines, width, height):
    def segment(marker, data):
        return struct.pack(">BBH", 0xFF, marker, 2 + len(data)) + data

    bits, before = [], [0, 0, 0]
    for top in range(0, height, 8):
        for left in range(0, width, 8):
            red, green, blue = lines[min(top + 4, height - 1)][min(left + 4, width - 1)]
            luminance = 0.299 * red + 0.587 * green + 0.114 * blue
            block = (luminance - 128, (blue - luminance) * 0.564, (red - luminance) * 0.713)
            for component, mean in enumerate(block):
                value = max(-128, min(127, round(mean)))
                difference, before[component] = value - before[component], value
                category = abs(difference).bit_length()
                bits.append(CATEGORIES[category])
                if category:
                    bits.append(format(difference if difference > 0 else difference + (1 << category) - 1,
                                       f"0{category}b"))
                bits.append("0")  # the end of the block: the only code of the table for AC
    bits = "".join(bits)
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x11\0\x02\x11\0\x03\x11\0"
    dc = bytes((0, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)) + bytes(range(12))
    ac = b"\x10\x01" + bytes(15) + b"\0"
    return (b"\xff\xd8" + segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0") + segment(0xDB, b"\0" + bytes([QUANTUM] * 64))
            + segment(0xC0, frame) + segment(0xC4, dc) + segment(0xC4, ac)
            + segment(0xDA, b"\x03\x01\0\x02\0\x03\0\0\x3f\0") + data + b"\xff\xd9")


@functools.lru_cache(maxsize=256)
def encoded(kind, width, height, name, screen):
    encode = {"bmp": bmp, "png": png}.get(name, jpeg)
    return encode(rows(kind, width, height, screen), width, height)
