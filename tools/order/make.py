#!/usr/bin/env python3
"""Writes first.ld: which functions the linker puts beside each other at the start of the program.

usage: tools/order/make.py CHART...

A command runs a tenth of the program's functions, which lie all over it; the system reads a program in pieces of 64 KB, and
each piece that is touched costs a small chart as much as a template. Put beside each other, they take a fifth of the pieces.
Needs valgrind. The charts should be many and different; the example chart is taken always. To be run again when much has
changed: a function that the list does not know, or that is gone, costs a little time and nothing else.
"""

import collections
import itertools
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLE = os.path.join(ROOT, "testdata/charts/app")

# Of fewer charts the list would be worse than the one that is there.
FEW = 12

Section = collections.namedtuple("Section", "name file size")


def built(folder):
    """The program as it is released, with its symbols, and the linker's map of it."""
    path = os.path.join(folder, "map")
    flags = ["-C", "strip=none", "-C", f"link-arg=-Wl,--no-demangle,-Map={path}"]
    subprocess.run(["cargo", "rustc", "--release", "--bin", "kval", "--", *flags], cwd=ROOT, check=True)
    return os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/kval"), path


def functions(path):
    """By function, the piece of its object file that it is in, from a map of lld."""
    out, section = {}, None
    with open(path) as lines:
        for line in lines:
            parts = line.rstrip("\n").split(None, 4)
            if len(parts) < 5:
                continue
            if found := re.match(r"(.*):\((\.text[^)]*)\)$", parts[4]):
                section = Section(found[2], found[1], int(parts[2], 16))
            elif parts[4].startswith("."):
                section = None
            elif section:
                out[parts[4]] = section
    return out


def ran(program, chart):
    """The functions that rendering a chart runs."""
    with tempfile.NamedTemporaryFile() as out:
        command = ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={out.name}"]
        done = subprocess.run([*command, program, "template", "release", chart], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{chart} does not render:\n{done.stderr}")
        found = re.findall(rb"^c?fn=\(\d+\) (\S+)", out.read(), re.M)
    return {re.sub(r"'\d+$", "", name.decode()) for name in found}


def kin(symbols, known):
    """With each function those of its name for other processors: valgrind's is not the newest."""
    base = lambda symbol: re.sub(r"_(avx|evex|sse).*", "", symbol)
    wanted = {base(s) for s in symbols if "_avx" in s}
    return symbols | {s for s in known if re.search(r"_(evex|avx512)", s) and base(s) in wanted}


def plain(name):
    """A name without the hash of Rust, which changes with each version of anything."""
    return re.sub(r"17h[0-9a-f]{16}E(\.llvm\.\d+)?$", "17h*", name)


def main(charts):
    # What is wrong is told before the program is built, which takes minutes.
    if missing := [chart for chart in charts if not os.path.exists(chart)]:
        sys.exit(f"no chart: {', '.join(missing)}\n{__doc__}")
    if len(charts) < FEW:
        sys.exit(f"{len(charts)} charts are too few to tell what is used often: {FEW} or more\n{__doc__}")
    with tempfile.TemporaryDirectory() as folder:
        program, path = built(folder)
        known = functions(path)
    example = kin(ran(program, EXAMPLE), known) & known.keys()
    counts = collections.Counter(known[s] for s in example)
    small = set(counts)
    for chart in charts:
        counts.update({known[s] for s in kin(ran(program, chart), known) & known.keys()})
    runs = 1 + len(charts)
    wanted = {s: n for s, n in counts.items() if s in small or n > runs // 12}
    groups = collections.defaultdict(list)
    for section in set(known.values()):
        groups[plain(section.name)].append(section)
    lines = set()
    for section, often in wanted.items():
        rank = (0 if often >= 0.9 * runs else 1) if section in small else 2 if often >= 0.3 * runs else 3
        if library := re.search(r"libc\.a\(([^)]*)\)$", section.file):
            lines.add((rank, f"*libc.a:{library[1]}(.text .text.*)"))
            continue
        # Of a function for many types only those that ran are wanted: these need their hashes.
        group = groups[plain(section.name)]
        whole = sum(s.size for s in group) <= 1.5 * sum(s.size for s in group if s in wanted) + 256
        lines.add((rank, f"*({plain(section.name) if whole else section.name})"))
    ranks = {}
    for rank, line in sorted(lines):
        ranks.setdefault(line, rank)
    with open(os.path.join(HERE, "first.ld"), "w") as out:
        out.write("/* Written by make.py. */\nSECTIONS\n{\n  .text.first :\n  {\n")
        for _, some in itertools.groupby(sorted(ranks, key=lambda line: (ranks[line], line)), ranks.get):
            # Patterns in one list are looked for at once.
            some = list(some)
            out.writelines(f"{line}\n" for line in some if not line.startswith("*("))
            out.write("*(\n" + "".join(f"{line[2:-1]}\n" for line in some if line.startswith("*(")) + ")\n")
        out.write("  }\n}\nINSERT BEFORE .text;\n")
    print(f"{len(ranks)} of {len(set(known.values()))} pieces, from {runs} runs")


if __name__ == "__main__":
    main(sys.argv[1:])
