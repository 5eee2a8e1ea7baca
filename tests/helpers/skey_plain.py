"""S-KEY's network computed straight from its tensors, layer by layer in torch: a plain twin."""

import torch
import torch.nn.functional as F

N_BLOCKS = 7


def chroma_net(state, x):
    """The probability of each of its 24 classes, from spectrograms ``(n, 1, 84, n_frames)``."""
    net = {name.removeprefix("chromanet."): tensor for name, tensor in state.items()}
    for i in range(N_BLOCKS):
        x = fewer(net, f"time_downsampling_blocks.{i}.conv", x)
        x = x + mixed(net, f"convnext_blocks.{i}", x)
    chroma = x.unflatten(2, (7, 12)).mean(dim=(2, 4))  # (n, n_channels, 12)
    logits = F.conv1d(chroma, net["classifier.weight"][..., 0], net["classifier.bias"])
    logits = F.batch_norm(logits, net["batch_norm.running_mean"], net["batch_norm.running_var"])
    return torch.softmax(logits.flatten(1), dim=1)


def fewer(net, name, x):
    """Half as many frames."""
    x = F.layer_norm(x, x.shape[1:])
    return F.gelu(F.conv2d(x, net[f"{name}.weight"], net[f"{name}.bias"], stride=(1, 2)))


def mixed(net, name, x):
    """What a ConvNeXt block adds."""
    weight = net[f"{name}.dwconv.weight"]
    half = weight.shape[-1] // 2
    y = F.pad(x, (half,) * 4, mode="replicate")
    y = F.conv2d(y, weight, net[f"{name}.dwconv.bias"], groups=len(weight))
    y = F.layer_norm(y, y.shape[1:]).permute(0, 2, 3, 1)
    y = F.gelu(F.linear(y, net[f"{name}.pwconv1.weight"], net[f"{name}.pwconv1.bias"]))
    y = F.linear(y, net[f"{name}.pwconv2.weight"], net[f"{name}.pwconv2.bias"])
    return (net[f"{name}.gamma"] * y).permute(0, 3, 1, 2)
