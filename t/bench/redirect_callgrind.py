"""Instructions per request in user space, by callgrind: a steady figure on any machine, and the list of what costs what."""

import os
import re
import shutil
import subprocess

import redirect_load as load
import rig

REQUESTS = 3000
USER = "www-data"
_ROW = re.compile(r"^\s*([\d,]+) \([^)]*\)\s+(\S.*)$")


def options(folder):
    """For rig.Httpd: httpd as one process inside callgrind, which counts from a request's first byte to its answer's last. All of
    it belongs to httpd's user from the start, or callgrind's file could no more be written once httpd has become that user."""
    wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", f"--log-file={folder}/log",
               "--collect-atstart=no", "--toggle-collect=ap_run_process_connection"]
    if rig.is_root():
        wrapper = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *wrapper]
    return {"wrapper": wrapper, "options": ("-X",), "user": USER}


def own(*folders):
    if rig.is_root():
        for folder in folders:
            shutil.chown(folder, USER, USER)


def total(profile, requests):
    """Instructions per request, of so many."""
    summary = next(line for line in profile.read_text().splitlines() if line.startswith(("totals:", "summary:")))
    return int(summary.split()[1]) / requests


def annotated(profile, inclusive, requests):
    """[(instructions per request, function)], most first."""
    text = subprocess.run(["callgrind_annotate", f"--inclusive={'yes' if inclusive else 'no'}", "--threshold=99.9", profile],
                          capture_output=True, text=True, check=True).stdout
    rows = []
    for line in text.splitlines():
        if found := _ROW.match(line):
            name = re.sub(r" \[[^]]*\]$", "", found[2])
            rows.append((int(found[1].replace(",", "")) / requests, os.path.basename(name) if name.startswith("/") else name))
    return rows
