"""Data: samples and where they are read from, downloads, image files, draws of labels, interpolation."""

from daecore.data.arrays import save_arrays
from daecore.data.batch_source import BatchSource, Held, Mapped, Shape
from daecore.data.chunk_storage import ChunkStorage
from daecore.data.crops import Crops, Whole, by_size
from daecore.data.decoding import Decoded, decode
from daecore.data.downloads import ExpectedFile, Source, debian_package, local_folder, npm_package, torchvision_mirrors
from daecore.data.fetch import fetch_files
from daecore.data.image_encoding import encode_image
from daecore.data.image_file import ImageFile
from daecore.data.image_listing import Found, Listed
from daecore.data.image_search import find_images, remember_searches
from daecore.data.interpolation import INTERPOLATIONS, interpolate
from daecore.data.label_draws import ALL, CHOICE, draw_labels
from daecore.data.packed_set import Header
from daecore.data.packing import pack, require_place
from daecore.data.picture_file import PictureFile, open_picture_file, read_image
from daecore.data.pictures import Pictures
from daecore.data.ranged import in_range
from daecore.data.sample_store import Piece, open_sets, pieces_of, write_pieces
from daecore.data.samples import WHITE, Batch, Corrupted, Pairs, Samples, Splits, as_float, as_uint8
from daecore.data.unpacking import open_packed, read_header
from daecore.data.value_range import RangeOption, ValueRange, find_range

__all__ = [
    "ALL",
    "CHOICE",
    "INTERPOLATIONS",
    "WHITE",
    "Batch",
    "BatchSource",
    "ChunkStorage",
    "Corrupted",
    "Crops",
    "Decoded",
    "ExpectedFile",
    "Found",
    "Header",
    "Held",
    "ImageFile",
    "Listed",
    "Mapped",
    "Pairs",
    "PictureFile",
    "Pictures",
    "Piece",
    "RangeOption",
    "Samples",
    "Shape",
    "Source",
    "Splits",
    "ValueRange",
    "Whole",
    "as_float",
    "as_uint8",
    "by_size",
    "debian_package",
    "decode",
    "draw_labels",
    "encode_image",
    "fetch_files",
    "find_images",
    "find_range",
    "in_range",
    "interpolate",
    "local_folder",
    "npm_package",
    "open_packed",
    "open_picture_file",
    "open_sets",
    "pack",
    "pieces_of",
    "read_header",
    "read_image",
    "remember_searches",
    "require_place",
    "save_arrays",
    "torchvision_mirrors",
    "write_pieces",
]
