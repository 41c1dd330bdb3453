"""Does my network obey the law of equi-separation, and will its minority collapse? Any torch module, any loader."""

import torch
from torch import nn

import layerpeel
from layerpeel.gpu_train import digits

DEPTH, WIDTH, EPOCHS = 4, 64, 60


def main() -> None:
    """Train a small net on scikit-learn's digits, keep the features of every layer, and measure them."""
    images = digits()
    inputs = torch.as_tensor(images.pixels, dtype=torch.float32).flatten(1)
    labels = torch.as_tensor(images.labels, dtype=torch.long)
    torch.manual_seed(0)
    sizes = [inputs.shape[1], *[WIDTH] * DEPTH]
    layers = [
        nn.Sequential(nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU())
        for before, after in zip(sizes, sizes[1:], strict=False)
    ]
    head = nn.Linear(WIDTH, images.num_classes)
    net = nn.Sequential(*layers, head)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-4)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs)).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
            optimizer.step()

    net.eval()
    features = [inputs]
    with torch.no_grad():
        for layer in layers:
            features.append(layer(features[-1]))
    measured = layerpeel.measure(
        [feature.numpy() for feature in features],
        labels.numpy(),
        classifier=head.weight.detach().numpy(),
        bias=head.bias.detach().numpy(),
    )
    print(measured.to_text())


if __name__ == "__main__":
    main()
