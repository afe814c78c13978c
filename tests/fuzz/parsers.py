"""The parsers that a stranger reaches, by name."""

import data_parsers
import guard_parsers
import picture_parsers
import store_parsers
import tensor_parsers
import text_parsers
import told_parser
from fuzzed import Parser

PARTS = (text_parsers, picture_parsers, tensor_parsers, store_parsers, data_parsers, guard_parsers, told_parser)
PARSERS: dict[str, Parser] = {parser.name: parser for part in PARTS for parser in part.PARSERS}
