"""Thin PyTorch: real networks in, plain arrays out. The only package that imports torch, and only when asked to.

Images are here; networks and training, which need torch at import, are in `gpu_train.networks` and `gpu_train.training`.
"""

# pyright: reportMissingImports=false
# torch is an extra: the types are checked without it too.

from layerpeel.gpu_train._geomnist import geomnist as geomnist
from layerpeel.gpu_train._images import Images as Images
from layerpeel.gpu_train._images import long_tail_counts as long_tail_counts
from layerpeel.gpu_train._images import oversampled as oversampled
from layerpeel.gpu_train._images import resized as resized
from layerpeel.gpu_train._images import step_counts as step_counts
from layerpeel.gpu_train._images import with_corrupted_labels as with_corrupted_labels
from layerpeel.gpu_train._images import with_counts as with_counts
from layerpeel.gpu_train._readers import digits as digits
from layerpeel.gpu_train._readers import mnist_sample as mnist_sample
from layerpeel.gpu_train._readers import read_cifar10 as read_cifar10
from layerpeel.gpu_train._readers import read_idx as read_idx
from layerpeel.gpu_train._readers import read_images as read_images


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
