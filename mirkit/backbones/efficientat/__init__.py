"""EfficientAT: MobileNetV3 and dynamic MobileNets."""
