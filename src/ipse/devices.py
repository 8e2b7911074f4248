"""Versions, devices, threads and memory, for receipts and plans."""

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from ipse.errors import DeviceError
from ipse.settings import Precision

PACKAGES = ("ipse", "torch", "numpy", "scikit-image", "Pillow", "tifffile", "imagecodecs")
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def find_device(name: str) -> str:
    """Return the device to use: the fastest one for "auto", otherwise the given one if it is available.

    Raises:
        DeviceError: the device is not available; the message lists those that are.
    """
    import torch

    present = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        present.append("mps")
    if name == "auto":
        return present[1] if len(present) > 1 else "cpu"
    if name == "cuda" and "cuda:0" in present:
        return "cuda:0"
    if name not in present:
        raise DeviceError(f"device {name!r} is not available: choose auto or one of {', '.join(present)}")
    return name


def find_precision(name: Precision, device: str) -> Literal["float32", "bfloat16"]:
    """Return the precision to use; "auto" is bfloat16 on GPUs with tensor cores, and float32 elsewhere."""
    import torch

    if name != "auto":
        return name
    tensor_cores = device.startswith("cuda") and torch.cuda.get_device_capability(device) >= (8, 0)
    return "bfloat16" if tensor_cores else "float32"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that affect results."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    """The versions, cached, because reading package metadata takes longer than denoising a tiny picture."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the model name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def device_model(device: str) -> str:
    """Return the model name of a device returned by ``find_device``."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return processor()


def devices() -> dict[str, str]:
    """Return all available devices with their model names; the one that "auto" selects is the last."""
    import torch

    names = ["cpu", *(["mps"] if torch.backends.mps.is_available() else [])]
    names += [f"cuda:{index}" for index in reversed(range(torch.cuda.device_count()))]
    return {name: device_model(name) for name in names}


def memory_available(device: str = "cpu") -> int | None:
    """Return the free memory of a device in bytes, within all limits that are set; None if unknown."""
    if device.startswith("cuda"):
        import torch

        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(
            device
        )  # reserved by PyTorch, but free for reuse
        return int(torch.cuda.mem_get_info(device)[0]) + idle
    rooms = [room for room in (_free(), _cgroup_room(), _address_room()) if room is not None]
    return min(rooms) if rooms else None


def _free() -> int | None:
    """The memory that the system can provide without swapping."""
    try:
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:  # macOS: at least the total memory
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _cgroup_room() -> int | None:
    """The memory left within a container's limit (cgroup v2, then v1), not counting cached files."""
    for limit, used, dropped in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most = (CGROUP / limit).read_text().strip()
            if most == "max":
                continue
            now = int((CGROUP / used).read_text())
            stat = (CGROUP / limit).with_name("memory.stat").read_text().split()
        except (OSError, ValueError):
            continue
        files = int(stat[stat.index(dropped) + 1]) if dropped in stat else 0
        return max(0, int(most) - now + files)
    return None


def _address_room() -> int | None:
    """The address space left within ``ulimit -v``."""
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft == resource.RLIM_INFINITY:
            return None
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return None
    return max(0, soft - used)
