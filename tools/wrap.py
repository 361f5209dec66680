#!/usr/bin/env python3
"""Rewraps the paragraphs and list items of Markdown files that have a line of more than 140 characters; all else stays.

usage: tools/wrap.py FILE.md...     tests/house.sh says where lines are too long
"""
import re
import sys
import textwrap

WIDTH = 140
ITEM = re.compile(r"^(\s*)([-*]|\d+\.) +")


def is_text(line):
    """Whether a line may be joined with its neighbours: no blank, heading, table, fence, quote or image."""
    return bool(line.strip()) and not re.match(r"^\s*(#|\||```|>|!\[|<)", line)


def wrap(lines):
    """A paragraph or one list item, its continuation lines with it."""
    first = ITEM.match(lines[0])
    indent = re.match(r"^\s*", lines[0]).group()
    lead = first.group() if first else indent
    text = " ".join(line.strip() for line in [lines[0][len(lead):], *lines[1:]])
    after = " " * len(lead) if first else indent
    # No line may begin with what would be a list item or a heading.
    wrapped = textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=after, break_long_words=False,
                            break_on_hyphens=False)
    return lines if any(ITEM.match(line) or line.lstrip().startswith("#") for line in wrapped[1:]) else wrapped


def blocks(lines):
    """Pairs: whether it is text, and its lines - a paragraph, an item, or a single line that stays as it is."""
    fenced, block = False, []
    for line in lines:
        fence = line.lstrip().startswith("```")
        if fence or fenced or not is_text(line) or ITEM.match(line):
            if block:
                yield True, block
            block = []
        if fence or fenced or not is_text(line):
            yield False, [line]
        else:
            block.append(line)
        fenced ^= fence
    if block:
        yield True, block


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        out = []
        for text, block in blocks(lines):
            out += wrap(block) if text and any(len(line) > WIDTH for line in block) else block
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(out))


if __name__ == "__main__":
    main()
