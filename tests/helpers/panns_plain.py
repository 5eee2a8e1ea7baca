"""PANNs computed straight from the tensors of a checkpoint, function by function: a plain twin."""

import torch
import torch.nn.functional as F


class Plain:
    """What the published networks compute, in evaluation, from tensors by their names."""

    def __init__(self, state):
        self.state = state

    def norm(self, name, x):
        mean, var, weight, bias = (
            self.state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
        )
        shape = (1, -1) + (1,) * (x.ndim - 2)
        unit = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + 1e-5)
        return unit * weight.view(shape) + bias.view(shape)

    def conv(self, name, x, dilation=1, stride=1):
        weight = self.state[f"{name}.weight"]
        n_groups = x.shape[1] // weight.shape[1]
        convolve = F.conv1d if weight.ndim == 3 else F.conv2d
        padding = weight.shape[-1] // 2 * dilation
        return convolve(x, weight, None, stride, padding, dilation, n_groups)

    def linear(self, name, x):
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def block(self, name, x, second_dilation=1):
        x = self.norm(f"{name}.bn1", self.conv(f"{name}.conv1", x)).clamp(min=0)
        if f"{name}.conv2.weight" in self.state:
            x = self.norm(f"{name}.bn2", self.conv(f"{name}.conv2", x, second_dilation))
        return x.clamp(min=0)

    def residual(self, name, x, halves):
        n_convs = 3 if f"{name}.conv3.weight" in self.state else 2
        y = F.avg_pool2d(x, 2) if halves else x
        if f"{name}.downsample.0.weight" in self.state:
            x = self.norm(f"{name}.downsample.1", self.conv(f"{name}.downsample.0", x))
        elif halves:
            x = self.conv(f"{name}.downsample.1", F.avg_pool2d(x, 2))
            x = self.norm(f"{name}.downsample.2", x)
        for i in range(1, n_convs + 1):
            y = self.norm(f"{name}.bn{i}", self.conv(f"{name}.conv{i}", y))
            y = y.clamp(min=0) if i < n_convs else y
        return (x + y).clamp(min=0)

    def chain(self, steps, x, most=None):
        """Run steps ``"conv:name"``, ``"norm:name"``, ``"pool"`` and ``"relu"``."""
        for step in steps:
            kind, _, name = step.partition(":")
            if kind == "pool":
                x = F.avg_pool2d(x, 2)
            elif kind == "relu":
                x = x.clamp(0, most)
            else:
                x = getattr(self, kind)(name, x)
        return x

    def image(self, features):
        return self.norm("bn0", features.transpose(1, 2)).transpose(1, 2).unsqueeze(1)

    def cnn(self, x, n_blocks, n_halvings, first=1):
        for i in range(first, n_blocks + 1):
            x = self.block(f"conv_block{i}", x)
            x = F.avg_pool2d(x, 2) if i <= n_halvings else x
        return x

    def resnet(self, x):
        x = F.avg_pool2d(self.block("conv_block1", x), 2)
        for i in range(1, 5):
            j = 0
            while f"resnet.layer{i}.{j}.conv1.weight" in self.state:
                x = self.residual(f"resnet.layer{i}.{j}", x, halves=i > 1 and j == 0)
                j += 1
        return self.block("conv_block_after1", F.avg_pool2d(x, 2))

    def mobilenet_v1(self, x):
        for i in range(14):
            at = f"features.{i}"
            pool = ["pool"] if i in (0, 2, 4, 6, 12) else []
            x = self.chain([f"conv:{at}.0", *pool, f"norm:{at}.2", "relu"], x)
            if i:
                x = self.chain([f"conv:{at}.4", f"norm:{at}.5", "relu"], x)
        return x

    def mobilenet_v2(self, x):
        x = self.chain(["conv:features.0.0", "pool", "norm:features.0.2", "relu"], x, 6)
        for i in range(1, 18):
            at = f"features.{i}.conv"
            pool = ["pool"] if i in (2, 4, 7, 11) else []
            if i == 1:
                y = self.chain([f"conv:{at}.0", f"norm:{at}.2", "relu"], x, 6)
                y = self.chain([f"conv:{at}.4", f"norm:{at}.5"], y)
            else:
                y = self.chain([f"conv:{at}.0", f"norm:{at}.1", "relu"], x, 6)
                y = self.chain([f"conv:{at}.3", *pool, f"norm:{at}.5", "relu"], y, 6)
                y = self.chain([f"conv:{at}.7", f"norm:{at}.8"], y)
            repeats = i in (3, 5, 6, 8, 9, 10, 12, 13, 15, 16)
            x = x + y if repeats else y
        return self.chain(["conv:features.18.0", "norm:features.18.1", "relu"], x, 6)

    def wavegram(self, samples, features, n_bands=32):
        x = self.conv("pre_conv0", samples.unsqueeze(1), stride=5)
        x = self.norm("pre_bn0", x).clamp(min=0)
        for i in (1, 2, 3):
            x = F.max_pool1d(self.block(f"pre_block{i}", x, second_dilation=2), 4)
        bands = torch.stack(
            [x[:, i : i + n_bands].transpose(1, 2) for i in range(0, x.shape[1], n_bands)], dim=1
        )
        wave = F.avg_pool2d(self.block("pre_block4", bands), (2, 1))
        mel = F.avg_pool2d(self.block("conv_block1", self.image(features)), 2)
        return self.cnn(torch.cat([mel, wave], dim=1), 6, 5, first=2)

    def clip(self, x):
        """Logits and embedding of an image: mean over bands, maximum and mean over time."""
        x = x.mean(dim=3)
        embedding = self.linear("fc1", x.max(dim=2).values + x.mean(dim=2)).clamp(min=0)
        return self.linear("fc_audioset", embedding), embedding

    def steps(self, x):
        """The embedding of each step among its neighbors."""
        x = x.mean(dim=3)
        silence, floor = torch.zeros_like(x[:, :, :1]), torch.full_like(x[:, :, :1], -torch.inf)
        mean = torch.cat([silence, x, silence], dim=2).unfold(2, 3, 1).mean(dim=3)
        most = torch.cat([floor, x, floor], dim=2).unfold(2, 3, 1).amax(dim=3)
        return self.linear("fc1", (mean + most).transpose(1, 2)).clamp(min=0)

    def attended(self, rows):
        """Probabilities of a clip and of its steps."""
        weight = {key: self.state[f"att_block.{key}.weight"][..., 0] for key in ("att", "cla")}
        bias = {key: self.state[f"att_block.{key}.bias"] for key in ("att", "cla")}
        score, logits = (rows @ weight[key].T + bias[key] for key in ("att", "cla"))
        share = score.clamp(-10, 10).softmax(dim=1)
        return (share * logits.sigmoid()).sum(dim=1), logits.sigmoid()
