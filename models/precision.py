"""Which arithmetic a device is fast in."""

from functools import cache

import torch


@cache
def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16 or AMX)."""
    ask = getattr(torch.cpu, "get_capabilities", None)  # older torch has no way to ask
    capabilities: dict[str, object] = ask() if ask else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def fast_dtype(device: torch.device) -> torch.dtype | None:
    """The type that autocast should compute in on `device`; None where float32 is as good."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if device.type == "cpu" and cpu_has_bf16() else None


def usable_device() -> torch.device:
    """The first CUDA device, or else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
