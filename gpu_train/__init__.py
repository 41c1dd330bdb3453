"""Thin PyTorch: real networks in, plain arrays out. The only package that imports torch, and only when asked to."""

# pyright: reportMissingImports=false
# torch is an extra: the types are checked without it too.


def describe_device() -> str:
    """Which torch and which device training would use, as one sentence.

    Example:
        >>> "torch" in describe_device()
        True
    """
    try:
        import torch
    except ImportError:
        return "torch is not installed: pip install 'layerpeel[train]'"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return f"torch {torch.__version__} on {device}"
