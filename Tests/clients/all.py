#!/usr/bin/env python3
"""Other people's clients and servers against the example programs: `.ci/run examples` installs what
it can and calls this with the folder of the built commands, and with names of checks to run only
those.

A check is a function `check_…` of a file `NAME_check.py` beside this one. It is called with a
`Programs`, and raises an error when something is wrong; one that needs what is not installed raises
`Missing`, and is said to be skipped."""

import importlib.util, pathlib, sys, time, traceback

from programs import Missing, Programs

FOLDER = pathlib.Path(__file__).parent


def checks(names):
    for path in sorted(FOLDER.glob("*_check.py")):
        name = path.stem.removesuffix("_check")
        if names and name not in names:
            continue
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for key, value in list(vars(module).items()):
            if key.startswith("check_"):
                yield f"{name}: {key.removeprefix('check_').replace('_', ' ')}", value


def main(build, *names):
    passed = failed = skipped = 0
    for title, check in checks(names):
        begun = time.monotonic()
        try:
            with Programs(build) as programs:
                check(programs)
            passed += 1
            print(f"ok       {title} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Missing as reason:
            skipped += 1
            print(f"skipped  {title}: {reason}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED   {title}", flush=True)
            traceback.print_exc()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
