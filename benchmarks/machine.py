"""What a measurement was made on."""

import os
import platform
from pathlib import Path

import psutil


def describe_machine() -> str:
    """Processor, cores, memory and Python in one line."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    return (
        f"machine: {_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
