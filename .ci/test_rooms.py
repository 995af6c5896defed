#!/usr/bin/env python3
"""Tests of `.ci/rooms`: made-up trees, right and wrong."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

MAP = "```rooms\ntop\nleft right\nbottom\n```\n"
# Every room once, with downward arrows only.
TREE = {
    "lib.rs": "pub mod bottom;\npub mod left;\npub mod right;\npub mod top;\n",
    "top.rs": "use crate::left::Left;\nuse crate::{bottom, right::Right};\nfn f() { bottom::f() }\n",
    "left.rs": "use crate::bottom::f as g;\npub struct Left;\n",
    "right.rs": "pub struct Right;\n",
    "bottom.rs": "pub fn f() {}\npub struct Bottom;\n",
}


def rooms(changes, arguments=()):
    """Exit code and output for the tree with these files changed."""
    with tempfile.TemporaryDirectory() as folder:
        src = Path(folder, "src")
        for name, text in {**TREE, **changes}.items():
            file = src / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        Path(folder, "map.md").write_text(MAP, encoding="utf-8")
        command = [sys.executable, str(Path(__file__).with_name("rooms")), "--src", str(src)]
        done = subprocess.run(
            [*command, "--map", f"{folder}/map.md", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def ring(count):
    """A folder `left/` whose files use each other in a circle, none of them its `mod.rs`."""
    names = [f"file{number}" for number in range(count)]
    files = {"left.rs": "".join(f"mod {name};\n" for name in names) + "pub struct Left;\n"}
    for name, other in zip(names, names[1:] + names[:1]):
        files[f"left/{name}.rs"] = f"use super::{other}::{other.title()};\npub struct {name.title()};\n"
    return files


class Rooms(unittest.TestCase):
    def passes(self, changes):
        code, output = rooms(changes)
        self.assertEqual(code, 0, output)

    def fails(self, changes, *parts):
        code, output = rooms(changes)
        self.assertEqual(code, 1, output)
        for part in parts:
            self.assertIn(part, output)

    def test_arrows_that_point_down_pass(self):
        self.passes({})
        self.assertIn("top.rs:2 -> right.rs (crate::right::Right)", rooms({}, ["--arrows"])[1])
        self.assertIn("top.rs:3 -> bottom.rs (bottom::f)", rooms({}, ["--arrows"])[1])

    def test_an_arrow_that_points_up_fails(self):
        self.fails({"bottom.rs": "pub fn f() {}\nuse crate::right::Right;\n"}, "bottom.rs:2: bottom points up to right")

    def test_a_path_without_a_use_counts(self):
        self.fails({"bottom.rs": "pub fn f(_: &crate::right::Right) {}\n"}, "bottom.rs:1: bottom points up to right")

    def test_the_crates_own_name_counts(self):
        self.fails({"bottom.rs": "pub fn f() {}\nuse openzentri::top;\nfn g() { top::f() }\n"}, "points up to top")

    def test_a_circle_of_rooms_in_one_layer_fails(self):
        self.fails(
            {"left.rs": "use crate::right::Right;\npub struct Left;\n", "right.rs": "use crate::left::Left;\npub struct Right;\n"},
            "circle of rooms: left right", "left.rs:1: left -> right")

    def test_a_circle_of_four_files_fails_and_of_three_passes(self):
        self.fails(ring(4), "circle of 4 files in left", "left/file0.rs")
        self.passes(ring(3))

    def test_a_known_circle_passes_until_it_is_untied(self):
        code, output = rooms(ring(4), ["--untie", "left"])
        self.assertEqual(code, 0, output)
        self.assertIn("known: circle of 4 files in left", output)
        self.assertEqual(rooms(ring(4), ["--untie", "right"])[0], 1)
        code, output = rooms(ring(3), ["--untie", "left"])
        self.assertEqual(code, 1, output)
        self.assertIn("take its --untie away", output)

    def test_a_name_leads_through_pub_use_to_its_file(self):
        hidden = {
            "left.rs": "mod inner;\npub use inner::Left;\n",
            "left/inner.rs": "use crate::right::Again;\npub struct Left;\n",
            "right.rs": "pub use crate::left::Left as Again;\npub struct Right;\n",
        }
        # `right` only passes the name on: `inner` uses itself.
        self.passes(hidden)
        hidden["right.rs"] += "pub fn f(_: Again) {}\npub struct Other;\n"
        hidden["left/inner.rs"] += "fn g(_: crate::right::Other) {}\n"
        self.fails(hidden, "circle of rooms: left right")

    def test_a_glob_counts_for_the_names_that_are_used(self):
        self.passes({"bottom.rs": "use crate::right::*;\npub fn f() {}\n"})
        self.fails({"bottom.rs": "use crate::right::*;\npub fn f(_: Right) {}\n"}, "points up to right")

    def test_tests_comments_and_strings_do_not_count(self):
        self.passes({
            "bottom.rs": "pub fn f() { g(\"crate::right::Right\", '\"', b'\\'') } // crate::top::f\n"
            "/* use crate::top; */\n#[cfg(test)]\nmod tests {\n    use crate::right::Right;\n}\n"
            "#[cfg(test)]\nuse crate::left::Left;\n",
        })

    def test_a_room_that_is_not_on_the_map_fails(self):
        self.fails({"lib.rs": TREE["lib.rs"] + "mod shed;\n", "shed.rs": ""}, "shed: not on the map")


if __name__ == "__main__":
    unittest.main()
