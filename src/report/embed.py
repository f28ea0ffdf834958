#!/usr/bin/env python3
"""embed.py OUT.c NAME=FILE...: each file as a C string with its length, for what the report carries along."""
import sys

with open(sys.argv[1], "w") as out:
    out.write("/* made by src/report/embed.py */\n#include \"report/assets.h\"\n")
    for item in sys.argv[2:]:
        name, path = item.split("=", 1)
        data = open(path, "rb").read()
        out.write(f"const char {name}[] = {{\n")
        for i in range(0, len(data), 24):
            out.write("".join(f"{b - 256 if b > 127 else b}," for b in data[i:i + 24]) + "\n")
        out.write(f"0}};\nconst size_t {name}_size = {len(data)};\n")
