"""The parsers that a stranger reaches, by name."""

import picture_parsers
import text_parsers
from fuzzed import Parser

PARSERS: dict[str, Parser] = {
    parser.name: parser for part in (text_parsers, picture_parsers) for parser in part.PARSERS
}
