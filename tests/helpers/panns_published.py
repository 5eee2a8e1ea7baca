"""PANNs' checkpoints, written down by rule: the names and shapes of their tensors."""

FRONT_END = {
    "spectrogram_extractor.stft.conv_real.weight": (513, 1, 1024),
    "spectrogram_extractor.stft.conv_imag.weight": (513, 1, 1024),
    "logmel_extractor.melW": (513, 64),
}
NETWORKS = (
    "Cnn6",
    "Cnn10",
    "Cnn14",
    "Cnn14_16k",
    "ResNet22",
    "ResNet38",
    "ResNet54",
    "MobileNetV1",
    "MobileNetV2",
    "Wavegram_Logmel_Cnn14",
    "Cnn14_DecisionLevelMax",
    "Cnn14_DecisionLevelAvg",
    "Cnn14_DecisionLevelAtt",
)


def norm(name, n):
    values = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (n,))
    return {f"{name}.{key}": shape for key, shape in (values | {"num_batches_tracked": ()}).items()}


def conv(name, *shape):
    return {f"{name}.weight": shape}


def linear(name, n_in, n_out, *kernel):
    return {f"{name}.weight": (n_out, n_in, *kernel), f"{name}.bias": (n_out,)}


def block(name, n_in, n_out, kernel=(3, 3)):
    return {
        **conv(f"{name}.conv1", n_out, n_in, *kernel),
        **conv(f"{name}.conv2", n_out, n_out, *kernel),
        **norm(f"{name}.bn1", n_out),
        **norm(f"{name}.bn2", n_out),
    }


def head(n_in, n_embedding):
    return linear("fc1", n_in, n_embedding) | linear("fc_audioset", n_embedding, 527)


def cnn6():
    names = head(512, 512)
    for i, (n_in, n_out) in enumerate([(1, 64), (64, 128), (128, 256), (256, 512)], 1):
        names |= conv(f"conv_block{i}.conv1", n_out, n_in, 5, 5)
        names |= norm(f"conv_block{i}.bn1", n_out)
    return names


def cnn10():
    names = head(512, 512)
    for i, (n_in, n_out) in enumerate([(1, 64), (64, 128), (128, 256), (256, 512)], 1):
        names |= block(f"conv_block{i}", n_in, n_out)
    return names


def cnn14():
    names = head(2048, 2048)
    widths = [1, 64, 128, 256, 512, 1024, 2048]
    for i in range(1, 7):
        names |= block(f"conv_block{i}", widths[i - 1], widths[i])
    return names


def wavegram():
    names = cnn14() | block("conv_block2", 128, 128) | conv("pre_conv0", 64, 1, 11)
    for i, (n_in, n_out) in enumerate([(64, 64), (64, 128), (128, 128)], 1):
        names |= block(f"pre_block{i}", n_in, n_out, kernel=(3,))
    return names | norm("pre_bn0", 64) | block("pre_block4", 4, 64)


def attention():
    names = {name: shape for name, shape in cnn14().items() if not name.startswith("fc_audioset")}
    names |= linear("att_block.att", 2048, 527, 1) | linear("att_block.cla", 2048, 527, 1)
    return names | norm("att_block.bn_att", 527)


def resnet(depths, is_bottleneck):
    expansion = 4 if is_bottleneck else 1
    names = head(2048, 2048) | block("conv_block1", 1, 64)
    names |= block("conv_block_after1", 512 * expansion, 2048)
    n_in = 64
    for i, depth in enumerate(depths, 1):
        n_mid = 32 * 2**i
        n_out = n_mid * expansion
        for j in range(depth):
            at = f"resnet.layer{i}.{j}"
            if is_bottleneck:
                names |= conv(f"{at}.conv1", n_mid, n_in, 1, 1) | norm(f"{at}.bn1", n_mid)
                names |= conv(f"{at}.conv2", n_mid, n_mid, 3, 3) | norm(f"{at}.bn2", n_mid)
                names |= conv(f"{at}.conv3", n_out, n_mid, 1, 1) | norm(f"{at}.bn3", n_out)
            else:
                names |= block(at, n_in, n_out)
            if j == 0 and (i > 1 or n_in != n_out):
                place = 1 if i > 1 else 0  # behind the pooling, where there is one
                names |= conv(f"{at}.downsample.{place}", n_out, n_in, 1, 1)
                names |= norm(f"{at}.downsample.{place + 1}", n_out)
            n_in = n_out
    return names


def mobilenet_v1():
    names = head(1024, 1024) | conv("features.0.0", 32, 1, 3, 3) | norm("features.0.2", 32)
    widths = [32, 64, 128, 128, 256, 256] + 6 * [512] + 2 * [1024]
    for i in range(1, 14):
        n_in, n_out = widths[i - 1], widths[i]
        names |= conv(f"features.{i}.0", n_in, 1, 3, 3) | norm(f"features.{i}.2", n_in)
        names |= conv(f"features.{i}.4", n_out, n_in, 1, 1) | norm(f"features.{i}.5", n_out)
    return names


def mobilenet_v2():
    names = head(1280, 1024) | conv("features.0.0", 32, 1, 3, 3) | norm("features.0.2", 32)
    names |= conv("features.1.conv.0", 32, 1, 3, 3) | norm("features.1.conv.2", 32)
    names |= conv("features.1.conv.4", 16, 32, 1, 1) | norm("features.1.conv.5", 16)
    widths = [16] + 2 * [24] + 3 * [32] + 4 * [64] + 3 * [96] + 3 * [160] + [320]
    for i in range(2, 18):
        n_in, n_wide, n_out = widths[i - 2], 6 * widths[i - 2], widths[i - 1]
        at = f"features.{i}.conv"
        names |= conv(f"{at}.0", n_wide, n_in, 1, 1) | norm(f"{at}.1", n_wide)
        names |= conv(f"{at}.3", n_wide, 1, 3, 3) | norm(f"{at}.5", n_wide)
        names |= conv(f"{at}.7", n_out, n_wide, 1, 1) | norm(f"{at}.8", n_out)
    return names | conv("features.18.0", 1280, 320, 1, 1) | norm("features.18.1", 1280)


def shapes(network):
    """The tensors of the published checkpoint of `network`, by name."""
    made = {
        "Cnn6": cnn6,
        "Cnn10": cnn10,
        "Wavegram_Logmel_Cnn14": wavegram,
        "Cnn14_DecisionLevelAtt": attention,
        "ResNet22": lambda: resnet((2, 2, 2, 2), False),
        "ResNet38": lambda: resnet((3, 4, 6, 3), False),
        "ResNet54": lambda: resnet((3, 4, 6, 3), True),
        "MobileNetV1": mobilenet_v1,
        "MobileNetV2": mobilenet_v2,
    }.get(network, cnn14)()
    return FRONT_END | norm("bn0", 64) | made
