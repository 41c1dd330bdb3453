"""The images that experiments train and test on."""

from dataclasses import replace

import numpy as np

from layerpeel.gpu_train._images import Images, resized, with_counts
from layerpeel.gpu_train._readers import mnist_sample, read_images
from layerpeel.gpu_train.experiments.plan import Plan


def small_images(plan: Plan) -> tuple[Images, Images]:
    """`sampled_images` of 10×10 pixels."""
    return sampled_images(plan, 10)


def sampled_images(plan: Plan, side: int) -> tuple[Images, Images]:
    """Training and test images of side × side pixels: 100 per class to train on, the others (at most 2,000) to test."""
    rng = np.random.default_rng([plan.seed, 0])
    if plan.data is not None:
        train, test = read_images(plan.data), read_images(plan.data, train=False)
        return resized(with_counts(train, (100,) * 10, rng), side), resized(test.chosen(rng.permutation(len(test.labels))[:2000]), side)
    images = mnist_sample()
    order = rng.permutation(len(images.labels))
    return resized(with_counts(images.chosen(order[:3000]), (100,) * 10, rng), side), resized(images.chosen(order[3000:]), side)


def signed(images: Images) -> Images:
    """The same with intensities from −1 to 1 in place of 0 to 1, as the source has them."""
    return replace(images, pixels=2.0 * images.pixels - np.float32(1.0), name=f"{images.name}, from −1 to 1")


def imbalance_images(plan: Plan, side: int) -> tuple[Images, Images]:
    """Training and test images of side × side pixels: three fifths and two fifths of the packaged ones, or those of the folder."""
    if plan.data is not None:
        train, test = (resized(read_images(plan.data, train=part), side) for part in (True, False))
        return train, test
    whole = resized(mnist_sample(), side)
    order = np.random.default_rng([plan.seed, 0]).permutation(len(whole.labels))
    cut = len(order) * 3 // 5
    return whole.chosen(order[:cut]), whole.chosen(order[cut:])
