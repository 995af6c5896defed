"""Shows what the RAM and flash of a Zephyr image are used for: reads the linker's map, the symbols and the list of
sources."""

import json
import re
import subprocess
from bisect import bisect_right
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# The owner of a source file outside this project; the first match counts.
OWNERS = [
    (r"hostap|wpa_supplicant", "supplicant"),
    (r"nrf_wifi|drivers/wifi|hal/espressif/components/esp_wifi|hal/espressif/zephyr/esp32c[36]/src/wifi", "radio driver"),
    (r"mbedtls|tinycrypt", "cryptography"),
    (r"subsys/net|subsys/dns|drivers/ethernet|modules/lib/.*net", "IP stack"),
    (r"littlefs|subsys/fs|subsys/settings|drivers/flash|subsys/storage", "files and settings"),
    (r"subsys/shell", "Zephyr shell"),
    (r"picolibc|newlib|lib/libc|libgcc|libc\.a|libm\.a", "C library"),
    (r"hal/espressif|soc/espressif", "chip (Espressif)"),
]
STACKS = re.compile(r"stack", re.I)
HEAPS = {
    "kheap__system_heap": "system (radio, supplicant, drivers)",
    "_mbedtls_heap": "Mbed TLS",
    "z_malloc_heap": "C library",
    "malloc_arena": "C library",
}


def regions(text):
    """The memories that the linker fills: name, origin, length."""
    part = text[text.index("\nMemory Configuration") : text.index("\nLinker script and memory map")]
    rows = re.findall(r"(?m)^(\w+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)", part)
    return {name: (int(start, 16), int(size, 16)) for name, start, size in rows}


def inputs(text):
    """All that was linked: (output section, input section, address, size, file)."""
    output, found = "", []
    pattern = re.compile(r"(?m)^(\S+)(?:\n)?\s+0x[0-9a-f]+\s+0x[0-9a-f]+(?: load address.*)?$|"
                         r"^ (\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$")
    for match in pattern.finditer(text[text.index("\nLinker script and memory map") :]):
        if match[1]:
            output = match[1]
        elif int(match[4], 16):
            found.append((output, match[2], int(match[3], 16), int(match[4], 16), match[5]))
    return found


def sources(folder):
    """The source files of each object's name."""
    named = defaultdict(set)
    commands = folder / "compile_commands.json"
    for command in json.loads(commands.read_text()) if commands.exists() else []:
        named[Path(command["file"]).name].add(command["file"])
    return named


class Rooms:
    """Finds the room of ours, or the crate, to which a name of Rust belongs."""

    def __init__(self):
        text = (ROOT / "src" / "device.rs").read_text()
        # `place!` in source order: the compiler numbers these places.
        self.placed = re.findall(r"place!\((\w+),", text)
        self.rooms = {name: room for room, names in re.findall(r"use crate::(\w+)(?:::\w+)*::(\{[^}]*\}|\w+);", text)
                      for name in re.findall(r"\w+", names)}
        self.tasks = {name: re.search(r"(\w+)::", body)[1] if "::" in body else "device"
                      for name, body in re.findall(r"task!\((\w+)\[.*?\]\(.*?\) (.*)\);", text)}

    def of(self, name):
        """`command`, `http` …, the name of another crate, or nothing when this is no name of Rust."""
        if not re.match(r"(\.\w+\.)?_R", name):
            return None
        found = re.search(r"(?:10openzentri|7rustapp)(.*)", name)
        if not found:
            crates = re.findall(r"Cs\w+?_(\d+)(\w+)", name)
            return crates[0][1][: int(crates[0][0])] if crates else "rust"
        if "7rustapp" in name:
            return "Zephyr port"
        rest, path = found[1], []
        while match := re.match(r"(?:s\w*_)?(\d+)_?", rest):
            length = int(match[1])
            path.append(rest[match.end() : match.end() + length])
            rest = rest[match.end() + length :]
        room = path[0] if path else "openzentri"
        if room == "device" and len(path) > 1:
            return self.of_task(path, name)
        return room

    def of_task(self, path, name):
        """Tasks and places are declared in `device`, but belong to rooms."""
        if path[1] in self.tasks:
            return self.tasks[path[1]]
        match = re.search(r"4boot(?:s(\w*)_)?5PLACE", name)
        if match:
            number = 0 if match[1] is None else 1 + (int(match[1], 36) + 1 if match[1] else 0)
            kind = self.placed[number] if number < len(self.placed) else ""
            return self.rooms.get(kind, "device")
        return "device"


def owner(section, file, named, rooms):
    """What an input section is for."""
    symbol = re.sub(r"^\.(text|rodata|data|bss|noinit)\.(unlikely\.|cst\d+\.)?", "", section)
    if "librustapp" in file:
        return f"ours: {rooms.of(symbol) or 'constants (texts, tables)'}"
    if re.search(r"(^|/)app/libapp\.a", file):
        return "ours: Zephyr port"
    match = re.search(r"\(([^)]+?)(?:\.obj|\.o)?\)$", file)
    paths = " ".join(named.get(match[1], ())) if match else ""
    for pattern, what in OWNERS:
        if re.search(pattern, paths) or re.search(pattern, file):
            return what
    return "kernel and drivers"


class Image:
    """One linked image."""

    def __init__(self, build):
        folder = build / "zephyr"
        text = (folder / "zephyr.map").read_text(errors="replace")
        named, self.rooms = sources(build), Rooms()
        self.regions = regions(text)
        self.sections = self.read_sections(folder / "zephyr.elf")
        taken = {name for name, _, _, _ in self.sections}
        self.inputs = sorted(((address, size, output, section, owner(section, file, named, self.rooms))
                              for output, section, address, size, file in inputs(text) if output in taken),
                             key=lambda row: row[:2])
        self.starts = [row[0] for row in self.inputs]
        report = subprocess.run(["nm", "-S", str(folder / "zephyr.elf")], capture_output=True, text=True, check=True).stdout
        rows = re.findall(r"(?m)^([0-9a-f]+) ([0-9a-f]+) (\w) (\S+)$", report)
        self.symbols = [(int(start, 16), int(size, 16), kind, name) for start, size, kind, name in rows]
        self.elf = folder / "zephyr.elf"

    @staticmethod
    def read_sections(elf):
        """Name, address, size and whether it is data of the image, of every section that takes memory."""
        report = subprocess.run(["readelf", "-SW", str(elf)], capture_output=True, text=True, check=True).stdout
        pattern = r"(?m)\]\s+(\S+)\s+(\w+)\s+([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) \w+\s+([A-Z]*)"
        return [(name, int(start, 16), int(size, 16), kind != "NOBITS")
                for name, kind, start, size, flags in re.findall(pattern, report) if "A" in flags]

    def used(self, name):
        """Bytes of a region up to the last used one, as the linker counts it."""
        origin, length = self.regions[name]
        ends = [start + size for _, start, size, _ in self.sections if origin <= start < origin + length and size]
        return max(ends, default=origin) - origin

    def in_region(self, name):
        """The inputs of a region."""
        origin, length = self.regions[name]
        return [row for row in self.inputs if origin <= row[0] < origin + length]

    def owner_at(self, address):
        """The owner of the byte at an address."""
        place = bisect_right(self.starts, address) - 1
        while place >= 0:
            start, size, _, _, whose = self.inputs[place]
            if start <= address < start + size:
                return whose
            if address - start > 1 << 20:
                break
            place -= 1
        return "kernel and drivers"

    def ram(self, name):
        """Bytes of RAM by what they are for: stacks and heaps by name, the rest by owner."""
        origin, length = self.regions[name]
        table, seen = Counter(), set()
        for start, size, kind, symbol in self.symbols:
            if not origin <= start < origin + length or kind in "tTwWaA" or (start, size) in seen:
                continue
            seen.add((start, size))
            if symbol in HEAPS:
                table[f"heap: {HEAPS[symbol]}"] += size
            elif STACKS.search(symbol) and size >= 256 and "ours: " not in self.owner_at(start):
                table[f"stack: {symbol}"] += size
            elif symbol == "_k_thread_stack_openzentri_worker":
                table[f"stack: {symbol}"] += size
            elif re.match(r"_net_buf|net_buf_data|kheap_net_buf|_k_mem_slab_buf_[rt]x_pkts", symbol):
                table["packets"] += size
            else:
                table[self.rooms.of(symbol) and f"ours: {self.rooms.of(symbol)}" or self.owner_at(start)] += size
        table["gaps and what has no name"] = self.used(name) - sum(table.values())
        return table

    def flash(self, names):
        """Bytes of flash by owner."""
        table = Counter()
        for name in names:
            for _, size, _, _, whose in self.in_region(name):
                table[whose] += size
        return table


def show(title, table, total):
    """Prints a table, the largest first."""
    print(f"\n{title}: {total} bytes")
    for what, size in sorted(table.items(), key=lambda row: -row[1]):
        if size:
            print(f"  {what:48} {size:8}")


def board_of(build):
    """The name of the board with its qualifiers."""
    config = (build / "zephyr" / ".config").read_text()
    name = re.search(r'(?m)^CONFIG_BOARD_TARGET="(.*)"$', config) or re.search(r'(?m)^CONFIG_BOARD="(.*)"$', config)
    return name[1]


def has_tls(build):
    """Whether TLS is in the image."""
    return "\nCONFIG_OPENZENTRI_TLS=y\n" in (build / "zephyr" / ".config").read_text()


def flash_used(image):
    """Bytes of flash up to the last used one, including the initial values of data in RAM, as the linker counts it."""
    origin, length = image.regions["FLASH"]
    report = subprocess.run(["readelf", "-lW", str(image.elf)], capture_output=True, text=True, check=True).stdout
    loads = re.findall(r"(?m)^\s+LOAD\s+\S+ \S+ 0x([0-9a-f]+) 0x([0-9a-f]+)", report)
    ends = [int(start, 16) + int(size, 16) for start, size in loads]
    return max(end for end in ends if end <= origin + length) - origin


def report(build):
    """Prints what RAM and flash of a build are used for; returns the board and the bytes used of both, or `None` for a
    host program, which has neither."""
    board = board_of(build)
    if (build / "zephyr" / "zephyr.exe").exists():
        return board, None
    image = Image(build)
    # Espressif chips have their data on a separate bus (C3), or on one bus with such code (C6).
    of_espressif = [name for name in ("dram0_0_seg", "sram0_0_seg") if name in image.regions]
    ram = of_espressif[0] if of_espressif else "RAM"
    code = ["irom0_0_seg", "drom0_0_seg"] if of_espressif else ["FLASH"]
    table = image.ram(ram)
    if of_espressif:
        # Code that runs from SRAM takes the same memory.
        fast = sum(size for name, _, size, _ in image.sections if name.startswith((".iram0", ".loader.text")))
        table["code that runs from SRAM"] = fast
        table["gaps and what has no name"] -= fast
    flash = image.flash(code)
    used = {"RAM": image.used(ram), "flash": flash_used(image)}
    flash["initial data, gaps"] = used["flash"] - sum(flash.values())
    show(f"{board}, RAM of {image.regions[ram][1]}", table, used["RAM"])
    print(f"  {'free':48} {image.regions[ram][1] - used['RAM']:8}")
    show(f"{board}, flash", flash, used["flash"])
    return board, used
